// Pictures and files of a message: galleries, thumbnails, spoilers, downloads.

import { el, fileSize, icon, iconButton } from "./dom.js";
import { link } from "./inline.js";
import { mediaAddress } from "./scene.js";
import { word } from "./words.js";

// What Discord's client gives to a picture that stands alone.
const ALONE_WIDTH_PX = 550;
const ALONE_HEIGHT_PX = 350;
// Spoilers that were clicked stay open while this tab lives, also when their message changes.
const revealed = new Set();

/** Uncover a spoiler by the key its cover carries. */
export function reveal(key) {
  revealed.add(key);
}

export function isRevealed(key) {
  return revealed.has(key);
}

/** A gallery of pictures: [{url, alt, width, height, spoiler}]. */
export function gallery(items) {
  const shape = items.length > 4 ? "many" : ["", "one", "two", "three", "four"][items.length];
  return el("div", { class: `gallery ${shape}` }, items.map((item, index) => picture(item, items.length > 1 ? index + 1 : 0)));
}

/**
 * One picture. A click opens it large; the button in its corner does the same for the keyboard, and says which of
 * several it is (`number`, from 1).
 */
export function picture(item, number = 0) {
  const address = mediaAddress(item.url);
  if (!address) return el("p", { class: "elsewhere" }, "A picture from elsewhere: ", link(item.url, item.url));
  const covered = item.spoiler && !isRevealed(address);
  return el(
    "figure",
    { class: `picture${covered ? " covered" : ""}`, "data-key": address, css: shownWidth(item) },
    el("img", {
      src: address,
      alt: item.alt,
      width: item.width,
      height: item.height,
      "data-act": "open",
      decoding: "async",
    }),
    covered
      ? el("button", { type: "button", class: "cover", "data-act": "reveal", "data-cover": address }, word("Spoiler"))
      : iconButton("expand", word(number ? "Open picture {number} large" : "Open large", { number }), { class: "icon-button enlarge", "data-act": "open" }),
  );
}

/** How wide a picture stands alone at most: its frame is then as wide as itself, also where its height is what limits it. */
function shownWidth({ width, height }) {
  if (!width || !height) return {};
  return { "--shown-width": `${Math.min(width, ALONE_WIDTH_PX, (width / height) * ALONE_HEIGHT_PX)}px` };
}

/** A small picture beside a text. */
export function thumbnail(part) {
  return el("div", { class: "thumbnail" }, picture(itemOf(part.media, part)));
}

/** The item of a gallery entry or thumbnail, as Discord sends it. */
export function itemOf(media, holder) {
  return {
    url: media.url,
    alt: holder.description || fileNameOf(media.url),
    width: media.width,
    height: media.height,
    spoiler: holder.spoiler,
  };
}

/** Attachments of an ordinary message: pictures as a gallery, all else as files. */
export function attachments(list) {
  const pictures = list.filter((one) => one.content_type?.startsWith("image/"));
  const others = list.filter((one) => !pictures.includes(one));
  const items = pictures.map((one) => ({
    url: one.url,
    alt: one.description || one.filename,
    width: one.width,
    height: one.height,
    spoiler: one.filename.startsWith("SPOILER_"),
  }));
  return [items.length > 0 && gallery(items), others.map((one) => fileCard(one.filename, one.url, one.size))];
}

/** A file to download. */
export function fileCard(name, url, size) {
  const address = mediaAddress(url);
  const title = address ? el("a", { href: address, download: name }, name) : link(url, name);
  return el(
    "div",
    { class: "file" },
    icon("file"),
    el("div", {}, title, size ? el("small", {}, fileSize(size)) : null),
  );
}

export function fileNameOf(url) {
  return decodeURIComponent(url.split("?", 1)[0].split("/").at(-1));
}
