/**
 * Where the server is: the setting, the active Python environment, VIRTUAL_ENV, PATH, the environment that the offered
 * command makes, in this order.
 *
 * Nothing that a workspace brings is run before it is trusted: a Python environment counts only then, and the setting
 * is machine-scoped.
 */

import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import install from "../../install.json";

const PROGRAM = process.platform === "win32" ? "hirope-ls.exe" : "hirope-ls";
const BIN = process.platform === "win32" ? "Scripts" : "bin";

/** A server to start, and in words where it was found. */
export interface Found {
  command: string;
  where: string;
}

/** The setting names something that cannot be run. */
export class WrongPath extends Error {}

/** The server, or null if there is none. Throws WrongPath. */
export async function findServer(): Promise<Found | null> {
  return bySetting() ?? (await byPython()) ?? byEnvironment() ?? byPath() ?? byInstall();
}

/** The active Python interpreter, as the Python extension knows it; null without one or in a restricted workspace. */
export async function activePython(): Promise<string | null> {
  const extension = vscode.extensions.getExtension("ms-python.python");
  if (!extension || !vscode.workspace.isTrusted) return null;
  try {
    const api: PythonApi = extension.isActive ? extension.exports : await extension.activate();
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const found = await api.environments?.resolveEnvironment(api.environments.getActiveEnvironmentPath(folder));
    return found?.executable?.uri?.fsPath ?? null;
  } catch {
    return null; // a broken Python extension must not take this one with it
  }
}

/** Tells when the Python extension's choice changes. */
export async function onPythonChanged(call: () => void): Promise<vscode.Disposable | undefined> {
  const extension = vscode.extensions.getExtension("ms-python.python");
  if (!extension?.isActive) return undefined;
  return (extension.exports as PythonApi).environments?.onDidChangeActiveEnvironmentPath?.(call);
}

/** The part of the Python extension's API that is used here. */
interface PythonApi {
  environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): unknown;
    resolveEnvironment(environment: unknown): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

function bySetting(): Found | null {
  const given = (vscode.workspace.getConfiguration("hirope-ls").get<string | null>("path") ?? "").trim();
  if (!given) return null;
  const command = given.replace(/^~(?=[\\/])/, homedir());
  if (!isAbsolute(command)) throw new WrongPath(`hirope-ls.path must be a full path, and is "${given}".`);
  if (!runs(command)) throw new WrongPath(`hirope-ls.path is "${given}", which is no program that can be run.`);
  return { command, where: "setting hirope-ls.path" };
}

async function byPython(): Promise<Found | null> {
  const python = await activePython();
  const command = python && join(dirname(python), PROGRAM);
  return command && runs(command) ? { command, where: "active Python environment" } : null;
}

function byEnvironment(): Found | null {
  const folder = process.env["VIRTUAL_ENV"];
  const command = folder && join(folder, BIN, PROGRAM);
  return command && runs(command) ? { command, where: "VIRTUAL_ENV" } : null;
}

function byPath(): Found | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const command = folders.map((folder) => join(folder, PROGRAM)).find(runs);
  return command ? { command, where: "PATH" } : null;
}

function byInstall(): Found | null {
  const command = join(homedir(), install.environment, BIN, PROGRAM);
  return runs(command) ? { command, where: `~/${install.environment}` } : null;
}

function runs(command: string): boolean {
  try {
    accessSync(command, constants.X_OK);
    return statSync(command).isFile();
  } catch {
    return false;
  }
}
