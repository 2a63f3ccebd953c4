// The door's page, made quicker: forms are sent without leaving it, a scanner that plays a keyboard
// always finds the field, a camera is looked through, and each answer has its colour and its tone.
"use strict";

const $ = (id) => document.getElementById(id);
const READY_AFTER = 6000; // ms for which an answer stays
const LOOK_EVERY = 250; // ms between two pictures
const LISTEN_EVERY = 2000; // ms between two looks at the counter and the clock
const LOST_AFTER = 3; // looks without an answer: the kiosk starts again in less, with a new card
const ONCE_IN = 1000; // ms for which a button that was pressed is deaf: fingers bounce
const SCANNED = 12; // letters at once: people type the six of a slip
const LETTER_IN = 50; // ms between two letters of a scanner: a person's are further apart
const SCAN_OVER = 500; // ms without a letter: a scanner that sends no Enter has ended
const TONES = { green: [[880, 0, .12], [1320, .13, .18]], amber: [[660, 0, .16], [660, .24, .16]], red: [[220, 0, .5]] };

let sound = null;
let ready = null; // what is shown while nobody scans
let drawn = ""; // what is shown now
let held = false; // whether an answer is shown, which must not be covered
let timer = 0;
let missed = 0;
let step = 0;
const typed = { at: 0, length: 0, before: 0, sent: 0, timer: 0 }; // the field of codes, as it fills

function tone(colour) {
  if (!TONES[colour]) return;
  sound = sound || new AudioContext();
  for (const [pitch, after, length] of TONES[colour]) {
    const voice = sound.createOscillator();
    const loudness = sound.createGain();
    const start = sound.currentTime + after;
    voice.frequency.value = pitch;
    voice.type = colour === "red" ? "square" : "sine";
    loudness.gain.setValueAtTime(.0001, start);
    loudness.gain.exponentialRampToValueAtTime(.5, start + .015);
    loudness.gain.exponentialRampToValueAtTime(.0001, start + length);
    voice.connect(loudness).connect(sound.destination);
    voice.start(start);
    voice.stop(start + length);
  }
}

function lines(list, parts, classes) {
  list.replaceChildren(...parts.map((part) => {
    const line = document.createElement("li");
    for (const language of ["vi", "en"]) {
      const said = document.createElement("span");
      said.lang = language;
      said.textContent = part[language];
      line.append(said, " ");
    }
    if (classes) line.className = part.well ? "well" : "ill";
    return line;
  }));
}

function show(answer) {
  if (drawn === (drawn = JSON.stringify(answer))) return; // said once to whoever cannot see
  $("result").className = "result " + answer.colour;
  $("sign").setAttribute("href", "#sign-" + answer.sign);
  $("title-vi").textContent = answer.title.vi;
  $("title-en").textContent = answer.title.en;
  $("count").textContent = answer.party > 1 ? "× " + answer.party : "";
  lines($("notes"), answer.notes);
  $("slip").hidden = !answer.slip;
  $("slip-code").textContent = answer.slip || "";
  $("slip-link").href = answer.slip ? "/slip/" + answer.entry : "";
}

function said(answer) {
  clearTimeout(timer);
  held = true;
  show(answer);
  tone(answer.colour);
  // A slip stays until the next visitor: somebody has to print it.
  if (!answer.slip) timer = setTimeout(rest, READY_AFTER);
}

function rest() {
  held = false;
  if (ready) show(ready);
}

function told(answer) {
  if (answer.nothing) return;
  const { colour, sign, title, notes, party, entry, slip } = answer;
  said({ colour, sign, title, notes, party, entry, slip });
  keep(answer);
  $("party").value = 1;
  $("phone").open = false;
  focus();
}

function keep(state) {
  if (state.page !== document.body.dataset.page && !held) return location.reload();
  missed = 0;
  ready = state.ready;
  if (!held) show(ready);
  $("own").hidden = !state.proving;
  $("inside").textContent = state.inside === null ? "–" : state.inside;
  $("clock").textContent = state.clock;
  lines($("status"), state.status, true);
  if (state.proving && state.step !== step) {
    step = state.step;
    $("code").src = "/code.svg?" + step;
  }
}

const here = (vi, en, note) => ({ colour: "red", sign: "no", party: 0, slip: "", title: { vi, en }, notes: [note] });
const LOST = here("Máy không trả lời", "The kiosk does not answer", {
  vi: "CHƯA ghi được. Đợi nửa phút rồi quét lại; nếu vẫn vậy, hãy khởi động lại máy.",
  en: "NOT entered. Wait half a minute and scan again; if it stays so, restart the kiosk.",
});
const BLIND = here("Không mở được máy ảnh", "The camera cannot be opened", {
  vi: "Hãy xem dây cắm, và quyền dùng máy ảnh của trình duyệt. Các cách khác vẫn dùng được.",
  en: "Look at its cable, and whether the browser may use it. All other ways work.",
});

function lost() {
  ready = LOST; // until it answers again
  $("own").hidden = true; // a square that stands still proves nothing
  $("inside").textContent = "–";
}

async function send(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status === 401) location.assign("/pin");
    else if (answer.ok) told(await answer.json());
    else said(LOST);
  } catch { said(LOST); }
}

async function listen() {
  try {
    const answer = await fetch("/state", { headers: { Accept: "application/json" } });
    if (answer.status === 401) return location.assign("/pin");
    if (answer.ok) return keep(await answer.json());
  } catch { /* Counted below. */ }
  missed += 1;
  if (missed < LOST_AFTER) return;
  lost();
  if (!held) show(ready);
}

function focus() {
  if (!$("phone").open) $("text").focus();
}

function empty(form) {
  for (const field of form.querySelectorAll("input:not([type])")) field.value = "";
}

// Tell whether the field is to be sent: a second Enter of the same scan is none.
function scanned() {
  const now = performance.now(), again = !$("text").value && now - typed.sent < ONCE_IN;
  clearTimeout(typed.timer);
  typed.length = 0;
  if (!again) typed.sent = now;
  return !again;
}

// Scanners are keyboards. They type wherever the focus was left, and end with Enter, with Enter and
// a line feed, with Tab, or with nothing: all of that is one scan.
function scanner() {
  const field = $("text");
  $("party").readOnly = true; // a scan must not end in the number of people
  addEventListener("focus", focus); // back from a slip's window
  document.addEventListener("keydown", (event) => {
    const letter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (letter && !event.target.closest("input:not([readonly])")) ($("phone").open ? $("number") : field).focus();
    if (event.key !== "Tab" || event.target !== field || !field.value) return;
    event.preventDefault();
    $("scan").requestSubmit();
  }, true);
  field.addEventListener("input", () => {
    const now = performance.now();
    if (now - typed.at > LETTER_IN) typed.before = typed.length;
    typed.at = now;
    typed.length = field.value.length;
    clearTimeout(typed.timer);
    if (typed.length - typed.before >= SCANNED) typed.timer = setTimeout(() => $("scan").requestSubmit(), SCAN_OVER);
  });
}

// Ten digits to touch: there may be no keyboard but the scanner.
function pad(field) {
  $("pad").hidden = false;
  for (const key of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0", "C"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = key;
    button.addEventListener("click", () => {
      field.value = key === "C" ? "" : key === "⌫" ? field.value.slice(0, -1) : field.value + key;
    });
    $("pad").append(button);
  }
}

function door() {
  for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if ("quick" in form.dataset) form.elements.party.value = $("party").value;
      if (form.id === "scan" && !scanned()) return;
      const body = new URLSearchParams(new FormData(form));
      empty(form); // of a name, too: the next visitor has another
      send(form.action, body);
      if (form.id !== "scan") once(form.querySelector("button:not([type])"));
    });
  }
  const most = Number($("party").max);
  $("fewer").addEventListener("click", () => { $("party").value = Math.max(1, $("party").value - 1); focus(); });
  $("more").addEventListener("click", () => { $("party").value = Math.min(most, Number($("party").value) + 1); focus(); });
  pad($("number"));
  $("phone").addEventListener("toggle", () => {
    if (!$("phone").open) empty($("number").form); // what was not sent is nobody else's to read
    ($("phone").open ? $("number") : $("text")).focus();
  });
  scanner();
  document.addEventListener("click", (event) => { if (!event.target.closest("input, a, #phone")) focus(); });
  setInterval(listen, LISTEN_EVERY);
  $("camera-on").hidden = !navigator.mediaDevices;
  $("camera-on").addEventListener("click", look);
  // The manager's page leads back here by another address.
  if (new URLSearchParams(location.search).has("camera") || sessionStorage.camera) look();
}

function once(button) {
  button.disabled = true;
  setTimeout(() => { button.disabled = false; }, ONCE_IN);
}

async function look() {
  const video = $("camera");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 960, height: 720 } });
    await video.play();
  } catch { return said(BLIND); }
  video.hidden = false;
  $("camera-on").hidden = true;
  sessionStorage.camera = "on";
  const canvas = document.createElement("canvas");
  let busy = false;
  const looking = setInterval(() => {
    if (busy || !video.videoWidth) return;
    busy = true;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(async (picture) => {
      try { await send("/frame?party=" + $("party").value, picture); } finally { busy = false; }
    }, "image/jpeg", .8);
  }, LOOK_EVERY);
  video.srcObject.getVideoTracks()[0].addEventListener("ended", () => { // pulled out
    clearInterval(looking);
    video.hidden = true;
    $("camera-on").hidden = false;
    said(BLIND);
  });
}

// A slip in a window of its own closes it: the page behind is the one that looks through the camera.
function paper() {
  addEventListener("load", () => print());
  if (!opener) return;
  addEventListener("afterprint", () => close());
  $("back").addEventListener("click", (event) => { event.preventDefault(); close(); });
}

if ("print" in document.body.dataset) paper();
else if ($("pin")) pad($("pin"));
else door();
