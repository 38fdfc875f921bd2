// Turns one tree of elements into another in place, so that pictures don't flicker and the focus stays where it is
// when a reply changes under the reader's eyes. Elements carry no listeners of their own: clicks are taken at the log.

/** Make `old` look like `fresh`; returns the node that stands in the page afterwards. */
export function morph(old, fresh) {
  if (!isSameKind(old, fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  morphAttributes(old, fresh);
  // what a person has chosen in a menu stays until the menu itself changes
  if (old.isEqualNode(fresh)) return old;
  morphChildren(old, fresh);
  if (old.nodeName === "SELECT") old.value = fresh.value;
  return old;
}

function isSameKind(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  return old.nodeType !== Node.ELEMENT_NODE || old.dataset.key === fresh.dataset.key;
}

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    // the content security policy forbids style attributes, not the style object
    if (name === "style") old.style.cssText = fresh.style.cssText;
    else old.setAttribute(name, value);
  }
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, index) => {
    const present = old.childNodes[index];
    if (present) morph(present, child);
    else old.append(child);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}
