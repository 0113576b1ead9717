/** The element of a node on the page, by the name of the node. */

export function nodeElement(name: string): Element | null {
  return document.querySelector(`.react-flow__node[data-id="${CSS.escape(name)}"]`);
}
