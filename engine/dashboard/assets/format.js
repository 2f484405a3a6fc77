// Numbers and times as a person reads them.
export const NONE = "\u2013";
const made = new Map();

function plain(value, least, most) {
  const key = `${least}/${most}`;
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(undefined, { minimumFractionDigits: least, maximumFractionDigits: most }));
  return made.get(key).format(Object.is(value, -0) ? 0 : value).replace("-", "\u2212");
}

export const number = (value, digits = 2) => (value == null ? NONE : plain(value, digits, digits));
export const units = (value) => (value == null ? NONE : plain(value, 0, 4));
export const price = (value) => (value == null ? NONE : Math.abs(value) >= 10 ? plain(value, 2, 2) : plain(value, 2, 6));
export const percent = (value, digits = 2) => (value == null ? NONE : `${plain(100 * value, digits, digits)}%`);
export const signed = (value, text) => (value > 0 ? `+${text}` : text);
export const tone = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");
export const words = (name) => String(name ?? "").replaceAll("_", " ");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function age(seconds) {
  if (seconds == null) return NONE;
  const s = Math.max(0, seconds);
  if (s < 2) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  if (s < 172800) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

const form = (options) => new Intl.DateTimeFormat(undefined, options);
const clock = form({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = form({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = form({ day: "numeric", month: "short" });
const date = form({ day: "numeric", month: "short", year: "numeric" });

// Today a clock, this year a day and a minute, before that a date; bars of days and longer have no clock.
export function moment(ns, { daily = false, short = false } = {}) {
  if (!ns) return { text: NONE, title: "" };
  const at = new Date(ns / 1e6), now = new Date();
  const title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const thisYear = at.getFullYear() === now.getFullYear();
  const named = (thisYear ? day : date).format(at);
  if (daily) return { text: named, title };
  if (at.toDateString() === now.toDateString()) return { text: (short ? minute : clock).format(at), title };
  return { text: `${named}, ${minute.format(at)}`, title };
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
