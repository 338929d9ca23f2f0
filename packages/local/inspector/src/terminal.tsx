// What a program wrote, as a terminal would show it: colours, carriage returns, and nothing that acts.
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const ESCAPE = /\u001b(?:\[([0-9;]*)([A-Za-z])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[()#][0-9A-Za-z]|.)?/g;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

interface Style {
  colour: string;
  bold: boolean;
}

interface Props {
  text: string;
  kind: string;
  // Whether the end is what matters, of a text that is too long to be seen whole.
  atEnd?: boolean;
}

export function Terminal({ text, kind, atEnd = false }: Props): VNode {
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (atEnd && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text, atEnd]);
  return <pre class={`stream ${kind}`} ref={box}>{pieces(overwritten(text))}</pre>;
}

// Marks that turn the direction of text could make code look like other code.
export function visible(text: string): string {
  return text.replace(CONTROLS, "\ufffd");
}

function pieces(text: string): (VNode | string)[] {
  const found: (VNode | string)[] = [];
  let style: Style = { colour: "", bold: false };
  let end = 0;
  const add = (part: string): void => {
    if (part === "") return;
    const name = [style.colour && `ansi-${style.colour}`, style.bold && "ansi-bold"].filter(Boolean).join(" ");
    found.push(name ? <span class={name}>{visible(part)}</span> : visible(part));
  };
  for (const match of text.matchAll(ESCAPE)) {
    add(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] === "m") style = styled(style, match[1] ?? "");
  }
  add(text.slice(end));
  return found;
}

function styled(before: Style, parameters: string): Style {
  const codes = parameters.split(";").map(Number);
  let style = before;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 38 || code === 48) {
      index += codes[index + 1] === 5 ? 2 : 4;
    } else if (code === 0) style = { colour: "", bold: false };
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 22) style = { ...style, bold: false };
    else if (code === 39) style = { ...style, colour: "" };
    else if (code >= 30 && code <= 37) style = { ...style, colour: COLOURS[code - 30] ?? "" };
    else if (code >= 90 && code <= 97) style = { ...style, colour: COLOURS[code - 90] ?? "" };
  }
  return style;
}

// A progress bar writes over its own line; its last state is the one to see.
function overwritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.replace(/\r+$/, "").replace(/^.*\r/, ""))
    .join("\n");
}
