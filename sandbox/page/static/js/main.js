// Brings the page to life: one link to the server, and everything that hangs on it.

import { Actions } from "./actions.js";
import { addressOf, onAddress, readAddress } from "./address.js";
import { startClock } from "./clock.js";
import { Composer } from "./composer.js";
import { Developer } from "./developer.js";
import { fill } from "./dom.js";
import { FaultsOn } from "./faults_on.js";
import { History } from "./history.js";
import { giveKeyboard } from "./keyboard.js";
import { Link, upload } from "./link.js";
import { closeMenu } from "./menu.js";
import { composerParts } from "./message_box.js";
import { canUseBot, scene } from "./scene.js";
import { drawSidebar, markUnread } from "./sidebar.js";

const COMMANDS_PAUSE_MS = 1000;
const $ = (id) => document.getElementById(id);

const link = new Link({ onOpen: enter, onEvent: take, onLost: lost });
const ask = (act, details) => link.ask(act, details);
const history = new History($("scroller"), $("log"));
const parts = composerParts();
const composer = new Composer(parts, { send, suggest, refresh });
const actions = new Actions(history, {
  ask,
  compose: (line) => composer.compose(line),
  answer: (message) => composer.answer(message),
  say: (text) => composer.say(text),
});
const developer = new Developer($("developer"), $("developer-toggle"), ask);
const faultsOn = new FaultsOn($("faults-on"), $("developer-toggle"), ask);

/** Become who the address says, where it says. */
async function enter() {
  const { user, place } = readAddress();
  closeMenu();
  try {
    const { history: messages, ...world } = await ask("enter", { user, place });
    Object.assign(scene, world);
    history.reset(messages);
    draw();
    waitForCommands();
    developer.watch();
  } catch (error) {
    if (!scene.me) location.replace(addressOf("Ada", "pictures"));
    else location.hash = addressOf(user, "pictures");
    composer.say(error.message);
  }
}

function draw() {
  const { me, place } = scene;
  const title = place.kind === "channel" ? `#${place.name}` : place.name;
  document.title = `${title} · ${me.name} · Easel sandbox`;
  $("place-name").textContent = title;
  $("place-about").textContent = about(place);
  $("connection").hidden = true;
  drawSide();
  document.body.classList.remove("with-places");
  $("places-toggle").setAttribute("aria-expanded", "false");
}

function drawSide() {
  drawSidebar($("places"), $("people"), $("languages"), speak);
}

/** Another language for this person's client, or for the server: commands are offered in it from now on. */
async function speak(locale, ofServer) {
  await ask("language", { locale, of_server: ofServer });
  document.activeElement?.blur();
  await enter();
}

function about(place) {
  if (place.kind === "dm") return "Your direct line to the bot";
  if (place.kind === "group") return "A group without the bot; only people who installed it can use it";
  if (!place.bot_inside) return `${place.server} · the bot is not a member here`;
  return place.kind === "thread" ? `${place.server} · thread` : place.server;
}

function take(event) {
  if (developer.take(event) || faultsOn.take(event)) return;
  if (event.channel_id === scene.place?.id) history.take(event);
  else if (event.type === "message_created") {
    markUnread(event.channel_id);
    drawSide();
  }
}

function lost() {
  $("connection").hidden = false;
}

/** The commands of this person here, asked anew: the bot may have registered others. */
async function refresh() {
  Object.assign(scene, await ask("offered"));
}

/** A bot that has just been started registers its commands a moment later. */
async function waitForCommands() {
  const here = scene.place;
  while (scene.commands.length === 0 && scene.place === here && canUseBot()) {
    await new Promise((resolve) => setTimeout(resolve, COMMANDS_PAUSE_MS));
    await refresh().catch(() => {});
  }
}

/** Send what was written. A command shows at once that it is on its way. */
async function send(draft) {
  const waiting = draft.command ? history.local(scene.me.name, `/${draft.command.name} is on its way…`) : null;
  try {
    const failed = draft.command ? actions.outcome(await run(draft)) : await post(draft);
    if (failed) waiting.fail(failed);
    else waiting?.remove();
  } catch (error) {
    waiting?.remove();
    composer.restore(draft);
    composer.say(error.message);
  }
}

async function post(draft) {
  const files = await Promise.all(draft.files.map(upload));
  await ask("post", { text: draft.text, files, reply_to: draft.replyTo });
}

async function run({ command, values, files }) {
  return ask("run", { name: command.name, options: await sendable(values, files) });
}

/** Values as the server takes them: a file's name becomes the token of its upload. */
async function sendable(values, files) {
  const options = {};
  for (const [name, value] of values) {
    if (value === "") continue;
    const file = files.find((one) => one.name === value);
    options[name] = file ? { upload: await upload(file) } : value;
  }
  return options;
}

async function suggest(reading, option, typed) {
  const others = new Map([...reading.values].filter(([name]) => name !== option.name));
  try {
    const options = await sendable(others, []);
    return (await ask("suggest", { name: reading.command.name, option: option.name, value: typed, options })).choices;
  } catch {
    return []; // suggestions are a help; without them the option can still be typed
  }
}

/** Files may be dropped anywhere; without this the browser would leave the page to show them. */
function listenForFiles() {
  const main = $("main");
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files") || event.target.matches("input[type=file]")) return;
      event.preventDefault();
      const takes = !document.querySelector("dialog[open]");
      main.classList.toggle("dropping", takes && name === "dragover");
      if (takes && name === "drop") composer.addFiles([...event.dataTransfer.files]);
    });
  }
  document.addEventListener("dragleave", () => main.classList.remove("dropping"));
}

fill($("composer"), parts.form);
$("places-toggle").addEventListener("click", () => {
  const open = document.body.classList.toggle("with-places");
  $("places-toggle").setAttribute("aria-expanded", String(open));
});
$("veil").addEventListener("click", () => document.body.classList.remove("with-places"));
onAddress(enter);
listenForFiles();
giveKeyboard(parts.box, $("skip"));
startClock();
link.open();
