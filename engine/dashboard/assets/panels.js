// Everything on the page that is no chart.
import { age, capital, moment, NONE, number, percent, price, signed, tone, units, words } from "./format.js";
import { now } from "./link.js";
import { at, element, list, put, table } from "./tables.js";

const arrow = (value) => (value > 0 ? "\u25b2 " : value < 0 ? "\u25bc " : "");
const gain = (value) => ({ text: value == null ? NONE : signed(value, number(value)), kind: tone(value) });
const side = (qty) => (qty > 0 ? { text: "Buy", kind: "up" } : { text: "Sell", kind: "down" });
const span = (low, high) => `${percent(low)} \u2026 ${percent(high)}`;

export function account(v, daily) {
  const equity = v.marked?.equity ?? v.equity, fall = v.marked?.drawdown ?? v.drawdown; // between bars at the last trades
  put("equity", number(equity)); put("currency", v.currency || "");
  const bar = moment(v.bar?.ts, { daily }), traded = v.marked && moment(v.marked.ts);
  at("equity").title = v.marked ? `at the last trades; ${number(v.equity)} at the last bar` : "at the last bar";
  const barred = v.bar?.number ? `at the bar of ${bar.text}` : "before the first bar";
  put("asof", v.marked ? `at the last trades, ${traded.text}` : barred);
  for (const node of document.querySelectorAll(".of-bar")) { node.textContent = barred; node.title = bar.title; }
  const made = equity - v.start_equity, today = v.day_start_equity != null ? equity - v.day_start_equity : null;
  at("gain").textContent = `${arrow(made)}${signed(made, number(made))} (${signed(made, percent(made / v.start_equity))}) since the start`;
  at("gain").className = tone(made);
  const also = v.marked ? " at the bar" : "";
  list("facts", [
    { name: "Today", text: today == null ? NONE : arrow(today) + signed(today, number(today)), kind: tone(today), sub: !today || !v.day_start_equity ? "" : signed(today, percent(today / v.day_start_equity)) },
    { name: "Drawdown", text: percent(fall), sub: v.peak == null ? "" : `from ${number(Math.max(v.peak, equity))}` },
    { name: "Gross exposure", text: v.equity ? percent(v.gross / v.equity, 1) : NONE, sub: number(v.gross) + also },
    { name: "Cash", text: number(v.cash), sub: v.equity ? percent(v.cash / v.equity, 1) + also : "" },
    { name: "Last bar", text: bar.text, title: bar.title, sub: v.bar ? `bar ${number(v.bar.number, 0)}` : "" },
  ]);
}

export function positions(v) {
  const rows = [...(v.positions || [])].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  table("positions", "Positions", [
    { head: "Symbol", read: (r) => r.symbol, sub: (r) => `${units(r.qty)} from ${price(r.entry)}` },
    { head: "Units", read: (r) => units(r.qty), number: true, wide: true },
    { head: "Entry", read: (r) => price(r.entry), number: true, wide: true },
    { head: "Price", read: (r) => price(r.price), number: true, wide: true },
    { head: "Value", read: (r) => number(r.value), number: true, sub: (r) => percent(r.weight, 1) },
    { head: "Weight", read: (r) => percent(r.weight, 1), number: true, wide: true },
    { head: "Gain", read: (r) => gain(r.pnl), number: true, sub: (r) => moved(r) },
    { head: "", read: (r) => ({ text: moved(r), kind: tone(r.pnl) }), number: true, wide: true },
  ], rows, "No positions are held.");
}

function moved(r) {
  const share = r.entry && r.qty ? r.pnl / Math.abs(r.entry * r.qty) : null;
  return share == null ? NONE : signed(share, percent(share));
}

export function orders(v, daily) {
  table("orders", "Working orders", [
    { head: "Symbol", read: (r) => ({ text: r.symbol, title: r.id }), sub: (r) => `since ${moment(r.since, { daily }).text}` },
    { head: "Order", sub: (r) => `${units(Math.abs(r.qty))} units`, read: (r) => ({ ...side(r.qty), text: `${side(r.qty).text} ${words(r.type)}`, title: `since ${moment(r.since).title}` }) },
    { head: "Units", read: (r) => (r.filled ? `${units(Math.abs(r.filled))} of ${units(Math.abs(r.qty))}` : units(Math.abs(r.qty))), number: true, wide: true },
    { head: "At", number: true, read: (r) => (r.stop != null ? `stop ${price(r.stop)}` : r.limit != null ? `limit ${price(r.limit)}` : "market"),
      also: (r) => r.stop != null && r.limit != null && `limit ${price(r.limit)}` },
  ], v.orders, "No orders are at work.");
}

export function fills(v, daily) {
  table("fills", "Fills", [
    { head: "Time", read: (r) => filledAt(r, daily) },
    { head: "Symbol", read: (r) => ({ text: r.symbol, title: r.order }), sub: (r) => `${side(r.qty).text} ${units(Math.abs(r.qty))}` },
    { head: "Side", read: (r) => side(r.qty), wide: true },
    { head: "Units", read: (r) => units(Math.abs(r.qty)), number: true, wide: true },
    { head: "Price", read: (r) => price(r.price), number: true },
    { head: "Fee", read: (r) => number(r.fee), number: true, wide: true },
  ], v.fills, "Nothing has been filled yet.");
}

// A bar tells when it opens and closes; of a fill inside of it no more is known.
function filledAt(r, daily) {
  const { text, title } = moment(r.ts, { daily });
  const said = { inside: ["by ", "inside the bar that closes at "], after: ["after ", "told by the broker after the bar of "], open: ["", "at the open, "] }[r.when] || ["", ""];
  return { text: (daily ? "" : said[0]) + text, title: said[1] + title };
}

export function refused(v, daily) {
  table("refused", "Refused orders", [
    { head: "Time", read: (r) => moment(r.ts, { daily }) },
    { head: "Symbol", read: (r) => r.symbol },
    { head: "Units", read: (r) => units(r.qty), number: true },
    { head: "Why", read: (r) => r.reason, wrap: true },
  ], v.refused, "No order has been refused.");
}

// Of each symbol the newest forecast and the last one of which is known what came.
export function forecasts(v) {
  const known = new Map();
  for (const said of v.forecasts || []) {
    const one = known.get(said.symbol) || {};
    const place = said.came == null ? "next" : "last";
    if (!one[place] || one[place].asof < said.asof) one[place] = said;
    known.set(said.symbol, one);
  }
  const rows = [...known].map(([symbol, one]) => ({ symbol, ...one }));
  const over = rows.find((r) => r.next || r.last);
  const bars = over ? (over.next || over.last).horizon : 0;
  table("forecasts", "Forecasts", [
    { head: "Symbol", read: (r) => r.symbol },
    { head: bars === 1 ? "Next bar" : `Next ${bars} bars`, number: true, read: (r) => (r.next ? { text: signed(r.next.mean, percent(r.next.mean)), title: r.next && moment(r.next.asof).title } : NONE),
      also: (r) => r.next && span(r.next.low, r.next.high) },
    { head: "Last came", number: true, read: (r) => came(r.last) },
  ], rows, "Nobody forecasts in this run.");
}

function came(said) {
  if (!said) return NONE;
  const inside = said.came >= said.low && said.came <= said.high;
  return { text: `${signed(said.came, percent(said.came))} ${inside ? "in" : "out"}`, kind: inside ? "" : "warn",
    title: `${inside ? "inside" : "outside"} its band of ${span(said.low, said.high)}` };
}

export function log(v) {
  const mark = { warning: "\u25b3 ", error: "\u25a0 " };
  table("log", "Log", [
    { head: "Time", read: (r) => moment(r.ts) },
    { head: "Level", read: (r) => ({ text: r.level, kind: { warning: "warn", error: "bad" }[r.level] }), wide: true },
    { head: "Event", read: (r) => ({ text: (mark[r.level] || "") + r.event, kind: { warning: "warn", error: "bad" }[r.level] }) },
    { head: "What", read: (r) => r.text, wrap: true },
  ], v.log, "Nothing has been written yet.");
}

export function feed(v) {
  const f = v.feed || {};
  const good = ["live"].includes(f.state);
  const replay = v.mode === "replay";
  const rows = [
    replay ? ["Bars", number(f.bars, 0)] : ["Last tick", age(lag(v, f.last_tick_age_s)), "tick-age"],
    ["Ticks", number(f.ticks, 0)], ["Reconnects", number(f.reconnects, 0)], ["Gaps", number(f.gaps, 0)],
  ];
  const dropped = Object.entries(f.dropped || {}).sort((a, b) => b[1] - a[1]);
  const quiet = [...(f.symbols || [])].sort((a, b) => b.age_s - a.age_s).slice(0, 3);
  const head = element("p", { kind: "feed-state" },
    element("strong", { kind: good ? "" : "warn", text: `${good ? "\u25cf" : "\u25b3"} ${replay && good ? "Playing" : capital(f.state || "unknown")}` }),
    element("span", { text: ` ${f.name || ""}` }), element("small", { text: f.reason === f.name ? "" : f.reason || "", title: f.since ? `since ${moment(f.since).title}` : "" }));
  const made = element("dl", { kind: "pairs" }, ...rows.map(([name, text, id]) =>
    element("div", {}, element("dt", { text: name }), element("dd", { text, ...(id ? { id } : {}) }))));
  const notes = [["Not used", dropped.map(([why, n]) => `${number(n, 0)} ${words(why)}`).join(", ") || "nothing"]];
  if (!replay && quiet.length > 1) notes.push(["Quietest", quiet.map((one) => `${one.symbol} ${age(lag(v, one.age_s))}`).join(", ")]);
  const more = element("dl", { kind: "notes" }, ...notes.map(([name, text]) => element("div", {}, element("dt", { text: name }), element("dd", { text }))));
  at("feed").replaceChildren(head, made, more);
}

// Ages were right when the run showed itself; they grow while it does not.
const lag = (v, seconds) => (seconds == null || !v.now ? seconds : seconds + Math.max(0, (now() - v.now / 1e6) / 1000));

export function ages(v) {
  const node = at("tick-age");
  if (node && v.feed) node.textContent = age(lag(v, v.feed.last_tick_age_s));
}

const COUNTS = new Set(["orders_per_minute", "max_positions", "max_orders"]);
export function limits(v) {
  const write = (name, value) => (COUNTS.has(name) ? units(value) : Math.abs(value) < 20 ? percent(value, 1) : number(value, 0));
  const rows = (v.risk || []).map((one) => {
    const measured = one.measured !== false, share = measured ? one.share ?? 1 : 0, level = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "";
    const said = share >= 1 ? "reached" : share >= 0.8 ? "near" : "";
    const name = capital(words(one.limit)), text = measured ? `${write(one.limit, one.used)} of ${write(one.limit, one.of)}` : `${write(one.limit, one.of)}, not measured yet`;
    const meter = element("div", { kind: `meter ${level}`, role: "meter", "aria-label": name, "aria-valuemin": "0", "aria-valuemax": "100",
      "aria-valuenow": String(Math.round(100 * Math.min(1, share))), "aria-valuetext": text }, element("span"));
    meter.firstChild.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
    return element("div", { kind: "limit" }, element("span", { text: name }),
      element("span", { kind: level || "quiet", text: `${text}${said ? ` \u2013 ${said}` : ""}` }), meter);
  });
  at("limits").replaceChildren(...(rows.length ? rows : [element("p", { kind: "none", text: "No limit is set on weight, gross exposure, orders per minute or losses." })]));
}
