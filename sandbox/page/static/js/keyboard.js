// The message box has the keyboard: from the first key press on, and from wherever nothing else takes a letter.

const TAKES_LETTERS = "input, textarea, select, [contenteditable], dialog *";
const PRESSED_BY_SPACE = "button, a, summary, [role=tab]";

/** Give the box the focus now and whenever somebody types past it. `skip` is the link that leads there. */
export function giveKeyboard(box, skip) {
  if (matchMedia("(hover: hover)").matches) box.focus(); // on a touch screen a keyboard would cover the page
  skip.addEventListener("click", () => box.focus());
  document.addEventListener("keydown", (event) => {
    const letter = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    const { target } = event;
    if (!letter || target.matches(TAKES_LETTERS) || document.querySelector("dialog[open]")) return;
    if (event.key === " " && target.matches(PRESSED_BY_SPACE)) return;
    box.focus();
  });
}
