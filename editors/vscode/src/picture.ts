/** The hierarchy of a file as HTML: a strip of its units, and a table. Knows no editor; all colours are the theme's. */

import type { Inspection, Unit } from "./protocol";

/** What is drawn. line: the cursor's, from 0. */
export interface Scene {
  name: string;
  inspection: Inspection;
  line: number;
}

/** The whole page; nothing in it but the script with this nonce may run. */
export function page(scene: Scene, nonce: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<style nonce="${nonce}">${STYLE}</style></head>
<body><div id="scene">${body(scene)}</div><script nonce="${nonce}">${SCRIPT}</script></body></html>`;
}

/** What changes as the cursor moves or the file is edited. */
export function body({ name, inspection, line }: Scene): string {
  const { units, tokens, cache, trainedLength } = inspection;
  const here = unitAt(units, line);
  const cached = Math.min(cache.tokens, tokens);
  const times = tokens / trainedLength;
  return `<h1>${escaped(name)}</h1>
<p>${number(tokens)} tokens in ${number(units.length)} units, ${times.toFixed(1)} times the ${number(trainedLength)} the model was
trained for. <span class="key cached"></span> cached: ${number(cached)} tokens <span class="key here"></span> the cursor's unit</p>
${strip(units, tokens, cached, here)}
<table><thead><tr><th>unit</th><th>name</th><th class="kind">kind</th><th>lines</th><th colspan="2">tokens</th></tr></thead>
<tbody>${rows(units, cached, here)}</tbody></table>`;
}

/** The unit that a line belongs to: the last that begins in it or above. */
export function unitAt(units: readonly Unit[], line: number): number {
  return units.findLastIndex((unit) => unit.range.start.line <= line);
}

function strip(units: readonly Unit[], tokens: number, cached: number, here: number): string {
  const scale = 1000 / Math.max(tokens, 1);
  let from = 0;
  const boxes = units.map((unit, index) => {
    const x = from * scale;
    from += unit.tokens;
    const classes = `unit ${index % 2 ? "odd" : "even"}${index === here ? " here" : ""}`;
    const title = `<title>${escaped(nameOf(unit))}: ${unit.tokens} tokens</title>`;
    return `<rect class="${classes}" data-line="${unit.range.start.line}" x="${x.toFixed(2)}" y="0" width="${Math.max(unit.tokens * scale - 0.6, 0.4).toFixed(2)}" height="34">${title}</rect>`;
  });
  return `<svg viewBox="0 0 1000 46" preserveAspectRatio="none" role="img" aria-label="The units of the file, in order">
${boxes.join("")}<rect class="cached" x="0" y="38" width="${(cached * scale).toFixed(2)}" height="6"/></svg>`;
}

function rows(units: readonly Unit[], cached: number, here: number): string {
  const most = Math.max(1, ...units.map((unit) => unit.tokens));
  let from = 0;
  return units
    .map((unit, index) => {
      const kept = Math.max(0, Math.min(unit.tokens, cached - from));
      from += unit.tokens;
      const { start, end } = unit.range;
      const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
      return `<tr class="${index === here ? "here" : ""}" data-line="${start.line}" tabindex="0"><td class="n">${unit.unitIndex}</td>
<td class="name">${escaped(nameOf(unit))}</td><td class="kind">${escaped(unit.kind)}</td><td class="n">${start.line + 1}-${last}</td><td class="n">${number(unit.tokens)}</td>
<td class="bar"><svg viewBox="0 0 ${most} 8" preserveAspectRatio="none"><rect class="unit even" width="${unit.tokens}" height="8"/><rect class="cached" width="${kept}" height="8"/></svg></td></tr>`;
    })
    .join("");
}

function nameOf(unit: Unit): string {
  return unit.name || "(module)";
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}

const STYLE = `
body { font: 13px var(--vscode-font-family); color: var(--vscode-foreground); padding: 12px 20px; }
h1 { font-size: 1.3em; margin: 0 0 4px; font-weight: 600; }
svg { display: block; width: 100%; }
#scene > svg { height: 52px; margin: 12px 0; }
.unit { cursor: pointer; } .even { fill: var(--vscode-charts-blue); fill-opacity: .45; } .odd { fill: var(--vscode-charts-blue); fill-opacity: .25; }
rect.here { fill: var(--vscode-charts-yellow); fill-opacity: .9; } rect.cached { fill: var(--vscode-charts-green); }
.key { display: inline-block; width: 12px; height: 10px; margin: 0 4px 0 14px; }
.key.cached { background: var(--vscode-charts-green); } .key.here { background: var(--vscode-charts-yellow); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; opacity: .8; } td, th { padding: 2px 10px 2px 0; white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; } .name { font-family: var(--vscode-editor-font-family); overflow: hidden; text-overflow: ellipsis; max-width: 0; width: 45%; }
.bar { width: 25%; min-width: 40px; } .bar svg { height: 9px; }
tbody tr { cursor: pointer; } tbody tr:hover { background: var(--vscode-list-hoverBackground); }
tr.here { box-shadow: inset 3px 0 var(--vscode-charts-yellow); background: var(--vscode-list-inactiveSelectionBackground); } tr td:first-child { padding-left: 8px; }
@media (max-width: 600px) { .kind { display: none; } }
`;

const SCRIPT = `
const host = acquireVsCodeApi(), scene = document.getElementById("scene");
const go = (event) => { const from = event.target.closest("[data-line]"); if (from) host.postMessage({ line: Number(from.dataset.line) }); };
scene.addEventListener("click", go);
scene.addEventListener("keydown", (event) => { if (event.key === "Enter") go(event); });
window.addEventListener("message", (event) => { scene.innerHTML = event.data.body; });
`;
