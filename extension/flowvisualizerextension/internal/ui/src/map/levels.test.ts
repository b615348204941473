import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { groupOfScope } from "./levels";

it("places every scope that the registry knows, and no other", () => {
  const documented = readFileSync(new URL("../../../../../../docs/fields.md", import.meta.url), "utf8");
  for (const end of ["source", "destination"]) {
    const line = documented.split("\n").find((l) => l.startsWith(`| \`${end}.scope\``))!;
    const values = /One of ([^.]+)\./.exec(line)![1]!.replaceAll("`", "").split(", ");
    expect(Object.keys(groupOfScope).sort(), end).toEqual(values.sort());
  }
});
