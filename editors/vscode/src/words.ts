/** The session's state in words: for the status bar, its tooltip and the report. Knows no editor. */

import type { Status } from "./protocol";
import type { SessionState } from "./session";

/** What the status bar shows. */
export interface Glance {
  icon: string;
  text: string;
  warning: boolean;
}

/** The state at a glance. off: suggestions are switched off for the language in view. */
export function glance(session: SessionState, status: Status | null, off: boolean): Glance {
  const calm = (icon: string, text: string): Glance => ({ icon, text, warning: false });
  if (session === "absent") return { icon: "warning", text: "hirope-ls not found", warning: true };
  if (session === "failed") return { icon: "warning", text: "did not start", warning: true };
  if (session === "stopped") return { icon: "debug-disconnect", text: "not running", warning: true };
  if (session === "starting" || !status || status.state === "starting") return calm("loading~spin", "starting");
  if (off || status.enabled === false) return calm("circle-slash", "off");
  if (status.state === "loading") return calm("loading~spin", "loading the model");
  if (status.state === "refused") return { icon: "warning", text: "no model", warning: true };
  if (status.state === "unloaded") return calm("moon", "resting");
  return status.busy ? calm("loading~spin", "") : calm("sparkle", "");
}

/** Name and value of each thing worth telling. */
export function details(status: Status): [string, string][] {
  const rows: [string, string | null | undefined][] = [
    ["State", status.state],
    ["Problem", status.problem],
    ["Model", status.model],
    ["Device", status.device],
    ["Latency", latency(status)],
    ["Cache", cache(status)],
    ["Last outcome", last(status)],
  ];
  return rows.filter((row): row is [string, string] => Boolean(row[1]));
}

/** Everything the server tells, as a Markdown document. */
export function report(status: Status, where: string): string {
  const rows = [...details(status), ["Documents", String(status.documents)], ["Server", where]];
  const counts = Object.entries(status.outcomes).sort(([, a], [, b]) => b - a);
  return [
    "# HiRoPE",
    "",
    "| | |",
    "|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${String(value).replace(/[|\n]/g, " ")} |`),
    "",
    "## Requests by outcome",
    "",
    ...(counts.length ? counts.map(([outcome, count]) => `- ${outcome}: ${count}`) : ["none so far"]),
    "",
    "## All of it",
    "",
    "```json",
    JSON.stringify(status, null, 2),
    "```",
    "",
  ].join("\n");
}

function latency(status: Status): string | null {
  const { p50, p95 } = status.latencyMs;
  return p50 === null ? null : `${Math.round(p50)} ms (median), ${Math.round(p95 ?? p50)} ms (95 of 100)`;
}

function cache(status: Status): string | null {
  const used = status.memory?.kvUsedMiB;
  const share = status.cacheHitRate?.tokens;
  const parts = [
    used === null || used === undefined ? null : `${used} of ${status.memory?.kvBudgetMiB} MiB`,
    share === null || share === undefined ? null : `${Math.round(share * 100)} % of the prompts' tokens reused`,
  ];
  return parts.filter(Boolean).join(", ") || null;
}

function last(status: Status): string | null {
  if (!status.last) return null;
  const total = status.last.timings["total"];
  return total === undefined ? status.last.outcome : `${status.last.outcome}, ${Math.round(total)} ms`;
}
