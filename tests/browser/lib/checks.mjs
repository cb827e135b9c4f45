// Counting what holds.

let passed = 0;
const failures = [];

/** Notes whether `holds`, with what was found instead. */
export function check(what, holds, found = "") {
  if (holds) {
    passed += 1;
    console.log(`  ok    ${what}`);
  } else {
    failures.push(what);
    console.log(`  FAIL  ${what}${found === "" ? "" : `: ${typeof found === "string" ? found : JSON.stringify(found)}`}`);
  }
  return holds;
}

/** The same for a wait: what throws has not happened. */
export async function checkThat(what, wait) {
  try {
    const result = await wait();
    check(what, true);
    return result ?? true;
  } catch (error) {
    check(what, false, error.message.split("\n").slice(0, 4).join(" | "));
    return undefined;
  }
}

/** Whether anything has failed so far. */
export const failed = () => failures.length > 0;

/** The last line. True when nothing failed. */
export function summary() {
  if (failures.length) console.log(`\nFailed:\n${failures.map((what) => `  - ${what}`).join("\n")}\n`);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0;
}
