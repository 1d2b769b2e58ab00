/**
 * The server's process and the connection to it: started with progress, started again after a crash (VS Code's rule:
 * five crashes in three minutes are the end), stopped, replaced.
 *
 * Knows what it tells (`onState`, `onStatus`, `onExplanation`), not who looks.
 */

import { createInterface } from "node:readline";
import * as vscode from "vscode";
import {
  type ClientCapabilities,
  type FeatureState,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import { type Found, findServer, WrongPath } from "./finding";
import { LANGUAGES } from "./languages";
import { offerInstall } from "./offer";
import type { ExplanationPart, Status } from "./protocol";

export type SessionState = "absent" | "starting" | "running" | "stopped" | "failed";

const OWN_SETTINGS = ["path"]; // ours: the server would call them unknown
const ID = "hirope-ls";

/** See above. One per window. */
export class Session implements vscode.Disposable {
  state: SessionState = "stopped";
  status: Status | null = null;
  problem: string | null = null;
  found: Found | null = null;
  private client: LanguageClient | null = null;
  private turn: Promise<void> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly explained = new vscode.EventEmitter<ExplanationPart>();
  readonly onChanged = this.changed.event;
  readonly onExplanation = this.explained.event;

  constructor(readonly log: vscode.LogOutputChannel) {}

  /** Start, or stop and start anew. Never two at a time. */
  restart(): Promise<void> {
    return this.queued(async () => {
      await this.end();
      await this.begin();
    });
  }

  /** Ask the server. Rejects where none runs. */
  request<T>(method: string, params: unknown, token?: vscode.CancellationToken): Promise<T> {
    if (!this.client || this.state !== "running") return Promise.reject(new Error("hirope-ls is not running"));
    // an undefined token would count as a second parameter
    return token ? this.client.sendRequest<T>(method, params, token) : this.client.sendRequest<T>(method, params);
  }

  /** Tell the server, if one runs. */
  notify(method: string, params: unknown): void {
    if (this.client && this.state === "running") void this.client.sendNotification(method, params).catch(() => undefined);
  }

  /** A document's uri as the server knows it. */
  uri(document: vscode.TextDocument): string {
    return this.client?.code2ProtocolConverter.asUri(document.uri) ?? document.uri.toString();
  }

  stop(): Promise<void> {
    return this.queued(() => this.end());
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
    this.explained.dispose();
  }

  private queued(work: () => Promise<void>): Promise<void> {
    return (this.turn = this.turn.then(work, work));
  }

  private async begin(): Promise<void> {
    this.status = this.problem = null;
    try {
      this.found = await findServer();
    } catch (error) {
      if (!(error instanceof WrongPath)) throw error;
      return this.fail("absent", error.message);
    }
    if (!this.found) {
      this.become("absent", "hirope-ls was not found");
      void offerInstall(() => void this.restart());
      return;
    }
    this.log.info(`starting ${this.found.command} (by ${this.found.where})`);
    await this.start(this.found);
  }

  private async start(found: Found): Promise<void> {
    const client = (this.client = new LanguageClient(ID, "HiRoPE", serverOf(found), this.options()));
    client.registerFeature(new Abilities());
    client.onDidChangeState(({ newState }) => this.followed(client, newState));
    client.onNotification("hirope/status", (status: Status) => this.told(status));
    client.onNotification("hirope/explanation", (part: ExplanationPart) => this.explained.fire(part));
    this.become("starting");
    const bar = { location: vscode.ProgressLocation.Window, title: "Starting hirope-ls" };
    try {
      await vscode.window.withProgress(bar, () => client.start());
    } catch (error) {
      if (this.client === client) this.client = null; // what it still does, such as trying again, changes no state
      void client.dispose(2000).catch(() => undefined);
      this.fail("failed", `hirope-ls did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private followed(client: LanguageClient, state: State): void {
    if (client !== this.client) return;
    if (state === State.Running) {
      this.become("running");
      this.request<Status>("hirope/status", {}).then((status) => this.told(status), () => undefined);
    } else {
      this.status = null;
      this.become(state === State.Starting ? "starting" : "stopped");
    }
  }

  private told(status: Status): void {
    this.status = status;
    this.changed.fire();
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = null;
    this.become("stopped");
    await client?.dispose(2000).catch(() => undefined);
  }

  private become(state: SessionState, problem: string | null = null): void {
    this.state = state;
    this.problem = problem;
    void vscode.commands.executeCommand("setContext", "hirope-ls.running", state === "running"); // ticks the walkthrough
    this.changed.fire();
  }

  private fail(state: SessionState, problem: string): void {
    this.become(state, problem);
    this.log.error(problem);
    void vscode.window.showErrorMessage(`HiRoPE: ${problem}`, "Open Log", "Open Settings").then((chosen) => {
      if (chosen === "Open Log") this.log.show();
      if (chosen === "Open Settings") void vscode.commands.executeCommand("workbench.action.openSettings", "hirope-ls");
    });
  }

  private options(): LanguageClientOptions {
    const schemes = ["file", "untitled", "vscode-notebook-cell"];
    return {
      documentSelector: schemes.flatMap((scheme) => LANGUAGES.map((language) => ({ scheme, language }))),
      initializationOptions: { hirope: { status: true } },
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      stdioOptions: {
        stdout: () => undefined, // the protocol's
        stderr: (input) => void createInterface({ input }).on("line", (line) => this.log.info(line)),
      },
      middleware: {
        workspace: {
          configuration: async (params, token, next) => {
            const answer = await next(params, token);
            return Array.isArray(answer) ? answer.map(withoutOwn) : answer;
          },
        },
      },
    };
  }
}

function serverOf(found: Found) {
  return { command: found.command, args: ["--stdio"] };
}

function withoutOwn(section: unknown): unknown {
  if (typeof section !== "object" || section === null) return section;
  return Object.fromEntries(Object.entries(section).filter(([name]) => !OWN_SETTINGS.includes(name)));
}

/** Tells the server that this editor shows explanations itself. */
class Abilities implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const experimental = (capabilities.experimental ?? {}) as Record<string, unknown>;
    capabilities.experimental = { ...experimental, hirope: { explain: true }, hiropeStatus: true };
  }
  initialize(): void {}
  getState(): FeatureState {
    return { kind: "static" };
  }
  clear(): void {}
}
