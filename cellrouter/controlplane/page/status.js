// Keeps the status page live: takes each section that the control plane sends in place of the one it has,
// and says when nothing comes any more.
"use strict";

const SILENCE_MS = 40000; // the control plane tells the time every 15 s
const RETRY_MS = 5000;
const TICK_MS = 1000;

const page = document.documentElement;
const stream = document.getElementById("stream");
let ahead_ms = Date.parse(page.dataset.now) - Date.now();
let source;
let watchdog;
let lost;

function utc(ms) {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

function age(seconds) {
  for (const [limit, unit, name] of [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"]]) {
    if (seconds < limit) return `${Math.floor(Math.max(0, seconds) / unit)} ${name} ago`;
  }
  return `${Math.floor(seconds / 86400)} d ago`;
}

function show_ages() {
  for (const time of document.querySelectorAll("time")) {
    const text = `(${age((Date.now() + ahead_ms - Date.parse(time.dateTime)) / 1000)})`;
    const shown = time.querySelector(".age");
    if (shown && shown.textContent !== text) shown.textContent = text;
  }
}

function say(text, level) {
  if (stream.textContent !== text) stream.textContent = text;
  stream.className = level;
  document.body.classList.toggle("stale", level === "lost");
}

function alive() {
  lost = undefined;
  say("live", "live");
  clearTimeout(watchdog);
  watchdog = setTimeout(give_up, SILENCE_MS);
}

function dead() {
  lost ??= Date.now() + ahead_ms;
  say(`not live since ${utc(lost)}`, "lost");
}

function take_section(event) {
  alive();
  const fresh = new DOMParser().parseFromString(event.data, "text/html").body.firstElementChild;
  const old = document.getElementById(fresh.id);
  if (!old || old.dataset.mark === fresh.dataset.mark) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  // The element itself stays: what reads the page out watches it.
  old.replaceChildren(...fresh.childNodes);
  old.dataset.mark = fresh.dataset.mark;
  if (fresh.dataset.title) document.title = fresh.dataset.title;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  show_ages();
}

function take_clock(event) {
  const told = JSON.parse(event.data);
  if (told.release !== page.dataset.release) {
    // Another release draws other sections.
    location.reload();
    return;
  }
  ahead_ms = Date.parse(told.now) - Date.now();
  alive();
}

function rest() {
  clearTimeout(watchdog);
  source?.close();
}

function listen() {
  rest();
  watchdog = setTimeout(give_up, SILENCE_MS);
  source = new EventSource("events");
  source.addEventListener("section", take_section);
  source.addEventListener("clock", take_clock);
  source.addEventListener("error", failed);
}

function failed() {
  dead();
  // Where a stream was lost the browser connects again by itself; where there was none it gives up.
  if (source.readyState === EventSource.CLOSED) {
    clearTimeout(watchdog);
    watchdog = setTimeout(listen, RETRY_MS);
  }
}

function give_up() {
  dead();
  listen();
}

function look() {
  // A browser has few connections for a host: pages that nobody sees leave them to others.
  if (document.hidden) rest();
  else listen();
}

say("connecting", "");
setInterval(show_ages, TICK_MS);
document.addEventListener("visibilitychange", look);
look();
