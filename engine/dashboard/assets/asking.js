// Commands: a question, what it would do, a permission from the run that lapses, and only then the command.
import { number } from "./format.js";
import { key, post } from "./link.js";
import { at, put } from "./tables.js";

const LAPSES_S = 30;
const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
const held = (view) => (view.positions?.length ? `${count(view.positions.length, "position")} worth ${number(view.gross)} ${view.currency || ""}`.trim() : "no positions");
const ASK = {
  pause: { ask: "Pause the run?", yes: "Pause", means: (v) => `The strategy is asked no more. ${count(v.orders?.length || 0, "order")} at work and all positions stay as they are.` },
  resume: { ask: "Resume the run?", yes: "Resume", means: () => "The strategy is asked again from the next bar on." },
  thaw: { ask: "Lift the stop?", yes: "Lift the stop", means: (v) => `Orders that add to positions are let through again. Nothing that adds was sent because: ${v.reason || "no reason was given"}.` },
  flatten: { ask: "Close everything?", yes: "Flatten", means: (v) => `Withdraws ${count(v.orders?.length || 0, "order")} and closes ${held(v)} at the next bar; the strategy is asked no more until the run is resumed.` },
  stop: { ask: "Stop the run?", yes: "Stop", closing: true, means: (v) => `The process ends and this page with it; the run can be gone on with later. It holds ${held(v)}.` },
  kill: { ask: "Throw the kill switch?", yes: "Kill", closing: true, means: (v) => `Nothing that adds to a position is sent until a person lifts it. The run holds ${held(v)}.` },
};
let asked = null, clearing = 0;

export function say(text, kind = "") {
  clearTimeout(clearing);
  at("said").textContent = text;
  at("said").className = `notice said ${kind}`.trim();
  at("said").hidden = !text;
  if (text && !kind) clearing = setTimeout(() => say(""), 8000);
}

async function ask(name, view) {
  const { ask: question, yes, means, closing } = ASK[name];
  const mine = (asked = { name, confirm: "", until: 0 });
  put("question", question); put("means", means(view)); put("yes", yes); put("lapses", "");
  at("yes").className = ["kill", "flatten", "stop"].includes(name) ? "danger full" : "full";
  at("yes").disabled = true;
  at("closing").hidden = !closing || !view.positions?.length;
  at("flat").checked = false;
  at("confirm").showModal();
  at("no").focus();
  try {
    const { confirm } = await post("/api/confirm", { name });
    if (asked !== mine) return;
    Object.assign(mine, { confirm, until: Date.now() + (LAPSES_S - 1) * 1000 });
    at("yes").disabled = false;
    tick();
  } catch (error) {
    if (asked === mine) { done(); say(`${ASK[name].yes} was not asked for: ${error.message}`, "bad"); }
  }
}

function tick() {
  if (!asked?.confirm) return;
  const left = Math.ceil((asked.until - Date.now()) / 1000);
  if (left > 0) { put("lapses", `The question lapses in ${left} s.`); return; }
  const { name } = asked;
  done();
  say(`${ASK[name].yes} was not confirmed in time; nothing was done.`);
}

function done() {
  asked = null;
  if (at("confirm").open) at("confirm").close();
}

async function go() {
  if (!asked?.confirm) return;
  const { name, confirm } = asked, flatten = at("flat").checked && !at("closing").hidden;
  done();
  try {
    await post("/api/command", { name, confirm, flatten });
    say(`${ASK[name].yes} was sent; the run obeys at its next turn.`);
  } catch (error) {
    say(`${ASK[name].yes} was not taken: ${error.message}`, "bad");
  }
}

// Which commands make sense now; none while nobody can be heard.
export function offer(state, line) {
  const barred = ["frozen", "killed"].includes(state);
  const shown = { pause: !barred && state !== "paused", resume: state === "paused", thaw: barred, kill: state !== "killed" };
  const deaf = !key || !["live", "silent"].includes(line) || ["starting", "stopping", "stopped"].includes(state);
  for (const button of document.querySelectorAll("[data-act]")) {
    button.hidden = shown[button.dataset.act] === false;
    button.disabled = deaf;
    button.title = key ? "" : "This browser may only look: open the address that the run printed.";
  }
}

export function begin(view) {
  for (const button of document.querySelectorAll("[data-act]"))
    button.addEventListener("click", () => ask(button.dataset.act, view()));
  at("no").addEventListener("click", done);
  at("yes").addEventListener("click", go);
  at("confirm").addEventListener("close", () => { asked = null; });
  setInterval(tick, 500);
}
