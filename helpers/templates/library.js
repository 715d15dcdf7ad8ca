"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const songs = data.songs, tags = data.tags, $ = (id) => document.getElementById(id);
const COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22"];
const OTHER = "#8a8f98";
const RADIUS = songs.length > 300 ? 5 : 8;
const clock = (s) => Math.floor(s / 60) + ":" + String(Math.round(s) % 60).padStart(2, "0");
let shown = songs, order = { key: "artist", down: false };

function make(name, props, parent) {
  const svg = name === "circle" || name === "title" && parent && parent.namespaceURI.endsWith("svg");
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "text") element.textContent = value;
    else element.setAttribute(key, value);
  }
  if (parent) parent.append(element);
  return element;
}

songs.forEach((song, i) => {
  song.i = i;
  song.name = song.artist ? song.artist + " – " + song.title : song.title;
  song.words = song.tags.map((k) => tags[k]).join(", ");
  song.text = [song.name, song.folder, song.words].join(" ").toLowerCase();
  song.dot = make("circle", { cx: 20 + 760 * song.xy[0], cy: 580 - 560 * song.xy[1], r: RADIUS }, $("map"));
  make("title", { text: song.name }, song.dot);
  song.dot.addEventListener("mouseenter", () => { $("hover").textContent = song.name + ": " + song.words; });
  song.dot.addEventListener("click", () => play(song));
});

// --- colours ---------------------------------------------------------------------------------

function groups(what) {
  const counts = new Map();
  for (const song of songs) counts.set(song[what], (counts.get(song[what]) || 0) + 1);
  const names = [...counts].sort((a, b) => b[1] - a[1]).map((pair) => pair[0]);
  return new Map(names.map((name, i) => [name, i < COLOURS.length ? COLOURS[i] : OTHER]));
}

function paint() {
  const wanted = $("colour").value;
  $("key").replaceChildren();
  if (wanted.startsWith("tag ")) {
    const k = Number(wanted.slice(4)), most = Math.max(1, ...songs.map((song) => song.proba[k]));
    for (const song of songs) {
      song.dot.setAttribute("fill", "hsl(212 80% " + (85 - 55 * song.proba[k] / most) + "%)");
    }
    make("span", { text: "dark: " + tags[k] + " up to " + most + " %" }, $("key"));
    return;
  }
  const colours = groups(wanted);
  for (const song of songs) song.dot.setAttribute("fill", colours.get(song[wanted]));
  for (const [name, colour] of [...colours].slice(0, COLOURS.length)) {
    const entry = make("span", {}, $("key"));
    make("i", { style: "background:" + colour }, entry);
    entry.append(name || "(none)");
  }
  if (colours.size > COLOURS.length) {
    const entry = make("span", {}, $("key"));
    make("i", { style: "background:" + OTHER }, entry);
    entry.append("others");
  }
}

songs.forEach((song) => { song.first = tags[song.tags[0]] || ""; });
for (const [value, text] of [["first", "by strongest tag"], ["artist", "by artist"], ["folder", "by folder"]]) {
  make("option", { value, text }, $("colour"));
}
const order_of_tags = tags.map((tag, k) => [k, songs.reduce((sum, song) => sum + song.proba[k], 0)]);
order_of_tags.sort((a, b) => b[1] - a[1]);
for (const [k] of order_of_tags) make("option", { value: "tag " + k, text: tags[k] }, $("colour"));
$("colour").addEventListener("change", paint);

// --- hearing ---------------------------------------------------------------------------------

function play(song) {
  const sound = $("sound");
  for (const other of songs) other.dot.classList.remove("now", "near");
  for (const row of $("rows").children) row.classList.toggle("now", row.dataset.i === String(song.i));
  song.dot.classList.add("now");
  $("map").append(song.dot);
  $("what").textContent = song.name;
  $("tags").textContent = song.tags.map((k) => tags[k] + " " + song.proba[k] + " %").join(", ") +
    (song.note ? " · " + song.note : "");
  $("alike").hidden = !song.near.length;
  $("near").replaceChildren();
  for (const i of song.near) {
    songs[i].dot.classList.add("near");
    const button = make("button", { type: "button", text: songs[i].name }, make("li", {}, $("near")));
    button.addEventListener("click", () => play(songs[i]));
  }
  $("playing").textContent = song.name;
  sound.src = song.address;
  sound.play().catch((problem) => {
    if (problem.name === "AbortError") return;
    $("playing").textContent = song.name + ": this browser cannot play it, or the file has moved.";
  });
}

// --- the table, the search, the selection ------------------------------------------------------

function selected() { return songs.filter((song) => song.chosen); }

function count() {
  const n = selected().length;
  $("count").textContent = shown.length + " of " + songs.length + " songs" + (n ? ", " + n + " selected" : "");
  $("save").disabled = !n;
  $("save").textContent = n ? "save playlist (" + n + ")" : "save playlist";
}

function list() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = songs.filter((song) => words.every((word) => song.text.includes(word)));
  const way = order.down ? -1 : 1, key = order.key;
  shown.sort((a, b) => way * (key === "seconds" ? a[key] - b[key] : a[key].localeCompare(b[key])) || a.i - b.i);
  for (const song of songs) song.dot.classList.add("away");
  $("rows").replaceChildren();
  for (const song of shown) {
    song.dot.classList.remove("away");
    const row = make("tr", { "data-i": song.i }, $("rows"));
    const box = make("input", { type: "checkbox", "aria-label": "select " + song.name }, make("td", {}, row));
    box.checked = Boolean(song.chosen);
    box.addEventListener("change", () => { song.chosen = box.checked; count(); });
    const button = make("button", { type: "button", text: song.title }, make("td", {}, row));
    button.addEventListener("click", () => play(song));
    make("td", { text: song.artist }, row);
    make("td", { text: song.folder, class: "folder" }, row);
    make("td", { text: song.words, class: "words" }, row);
    make("td", { text: clock(song.seconds), class: "number" }, row);
  }
  count();
}

function choose(those, value) {
  for (const song of those) song.chosen = value;
  list();
}

$("search").addEventListener("input", list);
$("all").addEventListener("click", () => choose(shown, true));
$("none").addEventListener("click", () => choose(songs, false));
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    order = { key: button.dataset.key, down: order.key === button.dataset.key && !order.down };
    list();
  });
}

// A playlist may be moved, so it names each file in full.
function place(song) {
  const url = new URL(song.address, location.href);
  if (url.protocol !== "file:") return url.href;
  const path = decodeURIComponent(url.pathname);
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

$("save").addEventListener("click", () => {
  const line = (text) => text.replace(/[\r\n]+/g, " ");
  const lines = selected().map((song) => "#EXTINF:" + song.seconds + "," + line(song.name) + "\n" + place(song));
  const link = make("a", { download: "playlist.m3u8" });
  link.href = URL.createObjectURL(new Blob(["#EXTM3U\n" + lines.join("\n") + "\n"], { type: "audio/x-mpegurl" }));
  link.click();
  URL.revokeObjectURL(link.href);
});

paint();
list();
