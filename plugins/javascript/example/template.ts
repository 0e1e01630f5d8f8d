import type { Template } from "rewarden";

/** Asks for a list of scores. */
export const template: Template = ({ prompt, responses, scale }) => {
  // A mark before every line: no text can repeat the heading that stands between two responses.
  const quoted = (text: string) => text.split(/\r\n|[\r\n\v\f\u0085\u2028\u2029]/).map((line) => `> ${line}`).join("\n");
  const listed = responses.map((response, index) => `Response ${index + 1}:\n${quoted(response)}`).join("\n\n");
  return `Question:\n${quoted(prompt)}\n\n${listed}\n\nScore each response from ${scale.min} to ${scale.max}, as a list such as [7, 3].`;
};
