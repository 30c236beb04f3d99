// The page asks /status every two seconds and writes what it says as text: nothing of it is ever markup.
"use strict";

const FILES_SHOWN = 200;
const byId = (id) => document.getElementById(id);
let before = null; // the last status, for rates

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let u = 0;
  for (; n >= 1024 && u < units.length - 1; u++) n /= 1024;
  return (u ? n.toFixed(1) : String(n)) + " " + units[u];
}

function duration(s) {
  if (s === null || s === undefined) return "–";
  if (s < 60) return s.toFixed(1) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return (s / 3600).toFixed(1) + " h";
  return (s / 86400).toFixed(1) + " d";
}

const count = (n) => n.toLocaleString("en");
const sum = (o) => Object.values(o).reduce((a, b) => a + b, 0);
const reasons = (o) => Object.entries(o).map(([why, n]) => `${why}: ${count(n)}`).join(", ");

const COLOURS = {
  ok: "good", current: "good", behind: "warn", undelivered: "warn", failing: "warn", warn: "warn", deleted: "warn",
  paused: "bad", unreadable: "bad", error: "bad",
};

// Columns: [head, kind, cell of a row]; kind: "" | "number" | "long" | "state".
function table(id, columns, rows, empty) {
  const head = document.createElement("tr");
  for (const [title, kind] of columns) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = title;
    if (kind === "number") th.className = kind;
    head.append(th);
  }
  const made = rows.map((row) => {
    const tr = document.createElement("tr");
    for (const [title, kind, cell] of columns) {
      const td = document.createElement("td");
      td.dataset.title = title;
      const text = String(cell(row));
      td.textContent = text;
      td.className = kind === "state" ? COLOURS[text.split(":")[0]] || "" : kind;
      tr.append(td);
    }
    return tr;
  });
  if (!rows.length) {
    const tr = document.createElement("tr"), td = document.createElement("td");
    td.colSpan = columns.length;
    td.textContent = empty;
    tr.append(td);
    made.push(tr);
  }
  const thead = document.createElement("thead"), tbody = document.createElement("tbody");
  thead.append(head);
  tbody.append(...made);
  byId(id).replaceChildren(thead, tbody);
}

function numbers(pairs) {
  byId("numbers").replaceChildren(...pairs.map(([what, n, colour]) => {
    const li = document.createElement("li"), b = document.createElement("b"), span = document.createElement("span");
    b.textContent = n;
    b.className = colour || "";
    span.textContent = what;
    li.append(b, span);
    return li;
  }));
}

// Above the middle what was delivered, below it what failed, each by its own scale.
function draw(history) {
  const svg = byId("drawing"), points = history.points, slots = 120, wide = 600 / slots, middle = 100, deep = 36;
  const most = (i) => Math.max(1, ...points.map((p) => p[i]));
  const rects = [];
  const bar = (at, y, height, kind) => {
    const r = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const set = { x: at * wide, y, width: wide * 0.8, height, class: kind };
    for (const name in set) r.setAttribute(name, set[name]);
    rects.push(r);
  };
  points.forEach((p, i) => {
    const at = slots - points.length + i;
    if (p[1]) bar(at, middle - Math.max(2, p[1] / most(1) * 96), Math.max(2, p[1] / most(1) * 96), "taken");
    if (p[2]) bar(at, middle + 2, Math.max(2, p[2] / most(2) * deep), "failed");
  });
  svg.replaceChildren(...rects);
  const total = (i) => count(points.reduce((a, p) => a + p[i], 0));
  const minutes = Math.round(points.length * history.step_seconds / 60);
  byId("drawing-says").textContent =
    `– ${total(1)} delivered, ${total(2)} failed in the last ${minutes || 1} min`;
}

function rates(s) {
  const seconds = before && before.pid === s.pid ? (Date.parse(s.now) - Date.parse(before.now)) / 1000 : 0;
  const old = new Map(seconds > 0 ? before.files.map((f) => [f.inode + " " + f.path, f.offset]) : []);
  return {
    lines: seconds > 0 ? (s.lines.read - before.lines.read) / seconds : 0,
    file: (f) => {
      const was = old.get(f.inode + " " + f.path);
      return was === undefined ? "–" : bytes(Math.max(0, Math.round((f.offset - was) / seconds))) + "/s";
    },
  };
}

function show(s) {
  const rate = rates(s), delivered = s.destinations.map((d) => sum(d.delivered)).reduce((a, b) => a + b, 0);
  const ready = byId("ready");
  ready.textContent = s.ready ? "ready" : "not ready: " + s.reason;
  ready.className = s.ready ? "good" : "bad";
  byId("version").textContent = s.version;
  byId("about").textContent = `up ${duration(s.uptime_seconds)} · ${s.config.path} · sha256 ${s.config.sha256.slice(0, 12)}` +
    (s.config.last_reload_successful ? "" : " · the last reload failed") + ` · checkpoint ${duration(s.checkpoint.age_seconds)} old`;
  const lag = Math.max(0, ...s.inputs.map((i) => i.lag_seconds)), dead = s.lines.dead_lettered;
  numbers([
    ["lines read", count(s.lines.read)],
    ["lines a second", rate.lines.toFixed(1)],
    ["calls delivered", count(delivered)],
    ["lag", duration(lag), lag > 60 ? "warn" : ""],
    ["held in memory", count(s.lines.held)],
    ["rejected lines", count(s.lines.rejected), s.lines.rejected ? "warn" : ""],
    ["invalid lines", count(s.lines.invalid), s.lines.invalid ? "warn" : ""],
    ["dead-lettered", count(dead), dead ? "bad" : ""],
    ["of the buffer used", Math.ceil(100 * s.delivery.buffer_bytes / s.delivery.buffer_limit_bytes) + " %"],
  ]);
  draw(s.history);
  table("destinations", [
    ["Destination", "", (d) => d.name],
    ["State", "state", (d) => d.state],
    ["Events", "number", (d) => count(d.delivered.event)],
    ["Signals", "number", (d) => count(d.delivered.signal)],
    ["Identifies", "number", (d) => count(d.delivered.identify)],
    ["Waiting", "number", (d) => count(d.calls_waiting)],
    ["Requests by answer", "", (d) => reasons(d.requests).replace(/\b0:/, "no answer:")],
    ["What is wrong", "long", (d) => d.reason ?
      `${d.reason}${d.meaning ? ": " + d.meaning : ""}, at ${d.url}, ${d.failures_in_a_row} in a row, next try in ${duration(d.next_try_seconds)}` : "–"],
  ], s.destinations, "none");
  table("inputs-table", [
    ["Input", "", (i) => i.name],
    ["Lag", "number", (i) => duration(i.lag_seconds)],
    ["Behind", "number", (i) => bytes(i.lag_bytes)],
    ["Unreadable", "number", (i) => count(i.files_unreadable)],
    ...["read", "delivered", "dropped", "unmatched", "sampled", "invalid", "oversized", "rejected", "dead_lettered", "held"]
      .map((what) => [what.replace("_", "-"), "number", (i) => count(i.lines[what])]),
  ], s.inputs, "none");
  const files = [...s.files].sort((a, b) => (b.state === "unreadable") - (a.state === "unreadable") || b.lag_bytes - a.lag_bytes);
  table("files-table", [
    ["State", "state", (f) => f.state + (f.reason ? ": " + f.reason : "")],
    ["Path", "long", (f) => f.location || f.path],
    ["Offset", "number", (f) => count(f.offset)],
    ["Size", "number", (f) => count(f.size)],
    ["Behind", "number", (f) => bytes(f.lag_bytes)],
    ["Lag", "number", (f) => duration(f.lag_seconds)],
    ["Rate", "number", (f) => rate.file(f)],
    ["Input", "", (f) => f.input],
  ], files.slice(0, FILES_SHOWN), "no file matches the inputs' paths");
  const more = s.files.length - FILES_SHOWN + s.files_left_out;
  byId("files-note").textContent = more > 0 ? `and ${count(more)} more; raingauge status --json has them` : "";
  table("rules-table", [
    ["Rule", "", (r) => r.name],
    ["Events", "number", (r) => count(r.calls.event)],
    ["Signals", "number", (r) => count(r.calls.signal)],
    ["Identifies", "number", (r) => count(r.calls.identify)],
    ["Rejected", "number", (r) => count(sum(r.rejected))],
    ["Reasons", "long", (r) => reasons(r.rejected) || "–"],
    ["Filters that failed", "long", (r) => reasons(r.filter_failures) || "–"],
  ], s.rules, "none");
  table("recent-table", [
    ["Time (UTC)", "", (e) => e.time.slice(11, 19)],
    ["Level", "state", (e) => e.level],
    ["Message", "long", (e) => e.message],
    ["Reason", "long", (e) => [e.reason || e.error || (e.status ? "status " + e.status : "–"), e.meaning].filter(Boolean).join(": ")],
    ["Where", "long", (e) => [e.file && e.file + (e.offset === undefined ? "" : ":" + e.offset),
      ...["rule", "destination", "input", "directory", "at"].map((k) => e[k] && `${k} ${e[k]}`)].filter(Boolean).join(", ")],
  ], s.recent, "none since the start");
  before = s;
}

async function refresh() {
  try {
    const answer = await fetch("status", { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    show(await answer.json());
  } catch (e) {
    byId("ready").textContent = "no answer from the agent: " + e.message;
    byId("ready").className = "bad";
  }
  setTimeout(refresh, document.hidden ? 10000 : 2000);
}

async function showConfiguration() {
  const answer = await fetch("config", { cache: "no-store" });
  byId("configuration-text").textContent = await answer.text();
}

document.querySelector("details").addEventListener("toggle", showConfiguration);
refresh();
