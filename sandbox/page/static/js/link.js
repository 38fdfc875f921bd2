// The one WebSocket of this tab: questions with answers, and events. It comes back by itself when it breaks.

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const RETRY_MS = [500, 1000, 2000, 4000];

export class Link {
  #socket = null;
  #number = 0;
  #waiting = new Map();
  #tries = 0;

  constructor({ onOpen, onEvent, onLost }) {
    this.onOpen = onOpen;
    this.onEvent = onEvent;
    this.onLost = onLost;
  }

  open() {
    const socket = new WebSocket(`ws://${location.host}/tab`);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#tries = 0;
      this.onOpen();
    });
    socket.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#lost());
  }

  /** Ask the server for something. Rejects with an Error whose message is meant for people. */
  ask(act, details = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("The sandbox does not answer. Is it still running?"));
    }
    this.#number += 1;
    const number = this.#number;
    this.#socket.send(JSON.stringify({ n: number, do: act, ...details }));
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  #take(said) {
    if (said.event) {
      this.onEvent(said.event);
      return;
    }
    const waiting = this.#waiting.get(said.re);
    this.#waiting.delete(said.re);
    if (said.error === undefined) waiting?.resolve(said.ok);
    else waiting?.reject(new Error(said.error));
  }

  #lost() {
    for (const { reject } of this.#waiting.values()) reject(new Error("The connection to the sandbox broke off."));
    this.#waiting.clear();
    this.onLost();
    const pause = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
    this.#tries += 1;
    setTimeout(() => this.open(), pause);
  }
}

/** Hand a file to the server; returns the token by which an act refers to it. */
export async function upload(file) {
  if (file.size > MAX_FILE_BYTES) throw new Error(`${file.name} is too large for this page: at most 64 MiB are taken.`);
  const answer = await fetch(`/uploads?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).token;
}
