'use strict';
// Ranges of versions, and which of several says the most of a version.
const { compareVersions, parseVersion } = require('./version');

const PART = /^(\^|~|>=|<=|>|<|=)?(.+)$/, WILD = /^(?:(\d{1,9})\.)?(?:(\d{1,9})\.)?[xX*]$/;
const LEAST = { key: { numbers: [0, 0, 0], pre: [] }, isIn: true }, MOST = { key: { numbers: [1e9, 0, 0], pre: null }, isIn: true };

const compareLows = (a, b) => compareVersions(a.key, b.key) || (a.isIn ? 0 : 1) - (b.isIn ? 0 : 1);
const compareHighs = (a, b) => compareVersions(a.key, b.key) || (a.isIn ? 1 : 0) - (b.isIn ? 1 : 0);

/** What a handler says of versions: "1.0.0", "1.x", "^1.2", "~1.2.3", ">=1.0 <3", "*". Throws, where the text says nothing of the kind. */
class VersionRange {
  constructor(text) {
    this.text = text;
    this.low = LEAST; // { key, isIn }: whether it is in the range itself
    this.high = MOST;
    const parts = text.replaceAll(',', ' ').replace(/(\^|~|>=|<=|>|<|=)\s+/g, '$1').split(/\s+/).filter(Boolean);
    if (!parts.length) throw new TypeError('a version or a range of versions is empty');
    for (const part of parts) this.#narrow(part);
    const order = compareVersions(this.low.key, this.high.key);
    if (order > 0) throw new TypeError(`there is no version in "${text}"`);
    this.isExact = order === 0;
  }

  has(key) {
    const low = compareVersions(this.low.key, key), high = compareVersions(key, this.high.key);
    return (low < 0 || (low === 0 && this.low.isIn)) && (high < 0 || (high === 0 && this.high.isIn));
  }

  equals(other) {
    return compareLows(this.low, other.low) === 0 && compareHighs(this.high, other.high) === 0;
  }

  #narrow(part) {
    const wild = WILD.exec(part);
    if (wild) {
      if (wild[1] === undefined) return;
      const major = Number(wild[1]), minor = wild[2] === undefined ? null : Number(wild[2]);
      this.#between({ numbers: [major, minor ?? 0, 0], pre: null }, next(major, minor));
      return;
    }
    const [, operator = '', text] = PART.exec(part);
    const key = parseVersion(text);
    if (!key) throw new TypeError(`"${part}" is neither a version nor a range of versions, such as 1.2.0, 1.x, ^1.2 or ">=1.0 <2.0"`);
    const [major, minor] = key.numbers;
    if (operator === '^' || operator === '~') this.#between(key, next(major, operator === '~' || major === 0 ? minor : null));
    if (['', '=', '>', '>='].includes(operator)) this.#from({ key, isIn: operator !== '>' });
    if (['', '=', '<', '<='].includes(operator)) {
      const isBeforeAll = operator === '<' && !key.pre; // below 2.0.0 is below its pre-releases, too
      this.#to({ key: isBeforeAll ? { numbers: key.numbers, pre: [] } : key, isIn: operator !== '<' });
    }
  }

  #between(low, high) {
    this.#from({ key: low, isIn: true });
    this.#to({ key: high, isIn: false });
  }

  #from(low) {
    if (compareLows(low, this.low) > 0) this.low = low;
  }

  #to(high) {
    if (compareHighs(high, this.high) < 0) this.high = high;
  }
}

function next(major, minor) {
  return { numbers: minor === null ? [major + 1, 0, 0] : [major, minor + 1, 0], pre: [] };
}

const strength = (a, b) => (a.isExact ? 1 : 0) - (b.isExact ? 1 : 0) || compareLows(a.low, b.low) || compareHighs(b.high, a.high);

/**
 * The range that says the most of this version: an exact one, else the one that begins last, then the one that ends first. null: in none.
 * Where `key` is null, any version will do, and the one that ends last is taken.
 */
function bestOf(ranges, key) {
  if (!key) return ranges.reduce((best, one) => (best && (compareHighs(best.high, one.high) || compareLows(best.low, one.low)) >= 0 ? best : one), null);
  return ranges.filter((one) => one.has(key)).reduce((best, one) => (best && strength(best, one) >= 0 ? best : one), null);
}

module.exports = { VersionRange, bestOf };
