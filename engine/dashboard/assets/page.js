// The page of a paper run: what changed is shown, and what is no longer true says so.
import { begin, offer, say } from "./asking.js";
import { drawCandles } from "./candles.js";
import { drawCurve, isDaily } from "./charts.js";
import { age, capital, moment, number, zone } from "./format.js";
import { get, link, listen, now } from "./link.js";
import * as panels from "./panels.js";
import { at, put } from "./tables.js";

const view = { state: "starting" };
let daily = false, drawn = "", asking = false;

const PARTS = [
  [["equity", "cash", "gross", "drawdown", "bar", "day_start_equity", "peak", "marked"], () => view.equity != null && panels.account(view, daily)],
  [["positions"], () => panels.positions(view)], [["orders"], () => panels.orders(view, daily)],
  [["fills"], () => panels.fills(view, daily)], [["refused"], () => panels.refused(view, daily)],
  [["forecasts"], () => panels.forecasts(view)], [["feed", "mode"], () => panels.feed(view)],
  [["risk"], () => panels.limits(view)], [["log"], () => panels.log(view)],
  [["curve"], () => drawCurve(view, daily)],
  [["symbols", "positions", "bar", "fills"], symbols],
];

function changed(parts) {
  const before = view.state;
  Object.assign(view, parts);
  daily = view.interval ? /[dw]$/i.test(view.interval) : isDaily(view.curve || []);
  for (const [keys, show] of PARTS) if (keys.some((name) => name in parts)) show();
  if (view.state !== before) say("");
  look(link.state === "connecting" ? "live" : link.state);
}

const STATES = { live: "Live", paused: "Paused", frozen: "Frozen", starting: "Starting", stopping: "Stopping", killed: "Killed", stopped: "Stopped" };
const LINES = { connecting: "Connecting", lost: "Connection lost", gone: "Page is out of date", silent: "Not answering", ended: "Ended" };

function look(line) {
  const replay = view.mode === "replay", ago = (Date.now() - link.heard) / 1000, quiet = (now() - link.seen / 1e6) / 1000;
  const word = LINES[line] || (view.state === "live" && replay ? "Replaying" : STATES[view.state] || view.state);
  document.body.dataset.link = line;
  put("state-word", word);
  at("state").dataset.state = LINES[line] ? line : view.state;
  put("run", view.run || "tradewind");
  put("mode", view.mode ? (replay ? "replay of a history" : "paper money, live feed") : "");
  put("fresh", line === "lost" ? `last seen ${age(ago)}` : link.seen ? `updated ${age(Math.min(quiet, 1e9))}` : "");
  at("reason").hidden = !view.reason || view.state === "live" || line === "ended";
  put("reason", view.reason ? `${STATES[view.state] || view.state}: ${view.reason}` : "");
  banner(line, ago, quiet);
  offer(view.state, line);
  if (!replay) panels.ages(view);
  const money = view.equity == null ? "" : ` ${number(view.equity, 0)}`;
  document.title = LINES[line] ? `${word} \u00b7 ${view.run || "tradewind"}` : `${word}${money} \u00b7 ${view.run || "tradewind"}`;
}

function banner(line, ago, quiet) {
  const seen = link.seen ? `What is shown is of ${moment(link.seen).text}` : "Nothing was seen yet";
  const said = {
    lost: `Connection lost. ${seen}, ${age(ago)}. It is being tried again.`,
    ended: `The run has ended${view.reason ? `: ${view.reason}` : ""}. ${seen}; 'tradewind paper resume ${view.run || "RUN"}' goes on with it.`,
    gone: "The run does not know this page any more: it was started anew. Open the address that it printed.",
    silent: `The run has shown nothing new since ${moment(link.seen).text}, ${age(quiet)}. It is busy with a fit, or it hangs.`,
  }[line] || "";
  const node = at("banner");
  node.hidden = !said;
  if (node.dataset.line !== line) { node.dataset.line = line; node.setAttribute("aria-live", "assertive"); } else node.setAttribute("aria-live", "off");
  if (node.textContent !== said) node.textContent = said;
}

function symbols() {
  const names = view.symbols || [], select = at("symbol");
  if (select.dataset.names !== names.join("\n")) {
    const chosen = select.value || view.positions?.[0]?.symbol;
    select.replaceChildren(...names.map((name) => new Option(name, name)));
    select.dataset.names = names.join("\n");
    if (names.includes(chosen)) select.value = chosen;
  }
  showSymbol();
}

async function showSymbol() {
  const name = at("symbol").value, mark = `${name}/${view.bar?.number}/${view.n_fills}`;
  if (!name || mark === drawn || asking || link.state !== "live") return;
  asking = true;
  try {
    const found = await get(`/api/symbol?name=${encodeURIComponent(name)}`);
    if (at("symbol").value === name) { drawCandles(found); if (found.bars.length) drawn = mark; }
  } catch { /* the banner says so when the line is lost */ } finally { asking = false; }
}

at("symbol").addEventListener("change", () => { drawn = ""; showSymbol(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawn = ""; drawCurve(view, daily); showSymbol(); });
put("zone", zone() === "UTC" ? "Times are UTC." : `Times are of ${zone()}; UTC where you point at them.`);
begin(() => view);
listen(changed, look);
setInterval(showSymbol, 1000); // a symbol that was just chosen comes with the run's next view
setInterval(() => { drawn = ""; }, 10000); // the run makes only what somebody looks at
