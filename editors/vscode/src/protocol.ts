/** What hirope-ls says beyond LSP. Types only: knows neither the editor nor the connection. */

import type { Position, Range } from "vscode-languageclient/node";

export interface LastCompletion {
  outcome: string;
  timings: Record<string, number>;
  tokens: Record<string, number>;
}

export interface Quantiles {
  p50: number | null;
  p95: number | null;
}

/** `hirope/status`: the reply, and the notification of the same name. */
export interface Status {
  state: "starting" | "loading" | "ready" | "refused" | "unloaded";
  enabled?: boolean;
  problem?: string | null;
  model?: string | null;
  device?: string | null;
  memory?: { kvUsedMiB: number | null; kvBudgetMiB: number; rssMiB: number };
  documents: number;
  busy?: boolean;
  outcomes: Record<string, number>;
  suggestions?: Record<string, number>;
  last: LastCompletion | null;
  latencyMs: Quantiles & { count: number };
  cacheHitRate?: { suggestions: number | null; tokens: number | null };
}

export interface Unit {
  range: Range;
  kind: string;
  name: string | null;
  unitIndex: number;
  tokens: number;
}

/** `hirope/inspect`: how the server sees a document. */
export interface Inspection {
  version: number;
  tokens: number;
  trainedLength: number;
  units: Unit[];
  cache: { tokens: number; bytes: number };
}

/** `hirope/explain`: the facts at once; the model's words follow where `state` is "writing". */
export interface Explained {
  token: string | number;
  name: string;
  markdown: string;
  state: "known" | "writing";
}

/** `hirope/explanation`: a piece of text, or the whole document at the end. */
export interface ExplanationPart {
  token: string | number;
  text?: string;
  done?: boolean;
  reason?: string;
  markdown?: string;
}

/** Where an explanation is asked for: the argument of the server's `hirope.showExplanation`. */
export interface Place {
  textDocument: { uri: string };
  position: Position;
  again?: boolean;
}
