// Code in colours, as elements with text in them: nothing is ever parsed as HTML.
import type { VNode } from "preact";
import Prism from "prismjs/components/prism-core";
import "prismjs/components/prism-python";
import "prismjs/components/prism-bash";
import { visible } from "./terminal";

const LONGEST = 50_000;

type Token = string | Prism.Token;

export function Code({ code, language }: { code: string; language: "python" | "bash" }): VNode {
  const grammar = Prism.languages[language];
  const text = visible(code);
  const tokens = grammar === undefined || text.length > LONGEST ? [text] : Prism.tokenize(text, grammar);
  return (
    <pre class="code">
      <code>{tokens.map(rendered)}</code>
    </pre>
  );
}

function rendered(token: Token): VNode | string {
  if (typeof token === "string") return token;
  const content = token.content;
  return (
    <span class={`token-${token.type}`}>
      {Array.isArray(content) ? content.map(rendered) : rendered(content)}
    </span>
  );
}
