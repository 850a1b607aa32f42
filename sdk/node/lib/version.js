'use strict';
// Versions, as semver orders them. Missing parts of a version are 0: "1.1" is 1.1.0.

const VERSION = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const MOST_TEXT = 200;

/**
 * A version that can be compared. `pre` is null for a release, and [] for what comes before all of its pre-releases.
 * @typedef {{ numbers: number[], pre: (string[] | null) }} VersionKey
 */

/** @returns {VersionKey | null} null where the text is no version */
function parseVersion(text) {
  const match = text.length <= MOST_TEXT && VERSION.exec(text);
  if (!match) return null;
  return { numbers: [match[1], match[2], match[3]].map((one) => Number(one ?? 0)), pre: match[4] ? match[4].split('.') : null };
}

/** Less than 0, 0, or more: as sort() wants it. */
function compareVersions(a, b) {
  for (let i = 0; i < 3; ++i) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] - b.numbers[i];
  if (!a.pre || !b.pre) return (a.pre ? 0 : 1) - (b.pre ? 0 : 1);
  for (let i = 0; i < a.pre.length && i < b.pre.length; ++i) {
    const order = compareParts(a.pre[i], b.pre[i]);
    if (order) return order;
  }
  return a.pre.length - b.pre.length;
}

function compareParts(a, b) {
  const numbers = [a, b].map((one) => (/^\d{1,9}$/.test(one) ? Number(one) : null));
  if (numbers[0] !== null && numbers[1] !== null) return numbers[0] - numbers[1];
  if (numbers[0] !== null || numbers[1] !== null) return numbers[0] !== null ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Whether two ranges { min, max } have a version in common, both ends included; an empty end is open. Throws, where one is no version. */
function versionsMeet(one, other) {
  const read = (text) => {
    const key = text ? parseVersion(text) : null;
    if (text && !key) throw new TypeError(`"${text.slice(0, 80)}" is not a version`);
    return key;
  };
  const lows = [read(one.min), read(other.min)], highs = [read(one.max), read(other.max)];
  return lows.every((low) => highs.every((high) => !low || !high || compareVersions(low, high) <= 0));
}

module.exports = { compareVersions, parseVersion, versionsMeet };
