/** The user's switches: everything, or one language. They are the server's settings, so that they hold everywhere. */

import * as vscode from "vscode";

/** Whether suggestions are off for this language, or altogether. */
export function isOff(language: string | undefined): boolean {
  return !enabled() || (language !== undefined && disabled().includes(language));
}

/** All suggestions on or off. */
export async function toggle(): Promise<void> {
  await settings().update("enable", enabled() ? false : undefined, vscode.ConfigurationTarget.Global);
}

/** Suggestions for the language in view on or off. */
export async function toggleLanguage(): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  if (!language) {
    void vscode.window.showInformationMessage("HiRoPE: open a file of the language first.");
    return;
  }
  const rest = disabled().filter((each) => each !== language);
  const now = disabled().includes(language) ? rest : [...rest, language];
  await settings().update("disabledLanguages", now.length ? now : undefined, vscode.ConfigurationTarget.Global);
}

function settings(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("hirope-ls");
}

function enabled(): boolean {
  return settings().get<boolean | null>("enable") ?? true;
}

function disabled(): readonly string[] {
  return settings().get<string[] | null>("disabledLanguages") ?? [];
}
