// What is kept of HTML that a session made: text, tables, lists, pictures that it brought itself, and
// styles. Nothing is kept because it is not known to be bad: all that is not named here goes.

// A parsed document runs nothing and fetches nothing. Browsers that know trusted types want to be told
// that its text, and a frame's, is no accident.
interface Policy {
  createHTML(text: string): string;
}

const trusted = (
  globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }
).trustedTypes;
const identity: Policy = { createHTML: (text) => text };
export const policy = trusted?.createPolicy("result-frame", identity) ?? identity;

const HTML = "http://www.w3.org/1999/xhtml";
const ELEMENTS = words(
  "a abbr article aside b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em " +
    "figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd label li main mark meter nav ol p pre " +
    "progress q s samp section small span strong style sub summary sup table tbody td tfoot th thead time tr tt u ul " +
    "var wbr",
);
const ATTRIBUTES = words(
  "align alt bgcolor border cellpadding cellspacing class color colspan dir height high id low max min open " +
    "optimum rowspan scope size span start style title valign value width",
);
// Elements of which nothing is text to read.
const SILENT = words("base iframe link math meta noscript object script svg template title");
const OWN_PICTURE = /^data:image\//i;

function words(list: string): Set<string> {
  return new Set(list.split(" "));
}

// Returns the body of a document of its own, with the nonce at its styles.
export function cleaned(html: string, nonce: string): HTMLElement {
  const parsed = new DOMParser().parseFromString(policy.createHTML(html), "text/html");
  const body = parsed.body;
  // Styles that come first are the parser's idea of a head.
  body.prepend(...parsed.head.childNodes);
  for (const element of [...body.querySelectorAll("*")]) {
    if (element.namespaceURI !== HTML || !ELEMENTS.has(element.localName)) {
      element.replaceWith(SILENT.has(element.localName) ? "" : (element.textContent ?? ""));
    } else {
      keepAttributes(element);
    }
  }
  allowStyles(body, nonce);
  return body;
}

function keepAttributes(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    const isPicture = element.localName === "img" && name === "src" && OWN_PICTURE.test(value);
    if (!ATTRIBUTES.has(name) && !isPicture) element.removeAttribute(name);
  }
}

// A nonce is for elements; styles of attributes become rules, which count as much.
function allowStyles(body: HTMLElement, nonce: string): void {
  const rules: string[] = [];
  for (const element of body.querySelectorAll("[style]")) {
    element.setAttribute("data-style", String(rules.length));
    rules.push(`[data-style="${rules.length}"]:not(#a#b#c) {${element.getAttribute("style") ?? ""}}`);
    element.removeAttribute("style");
  }
  if (rules.length > 0) {
    const sheet = body.ownerDocument.createElement("style");
    sheet.textContent = rules.join("\n").replaceAll("<", "\\3c ");
    body.append(sheet);
  }
  for (const sheet of body.querySelectorAll("style")) sheet.setAttribute("nonce", nonce);
}
