'use strict';
const { inspect } = require('node:util');

/** Where a value is: a URL, as `url` or String(ref). When it is inspected, it leaves out what follows the "?", which often is a credential. */
class Ref {
  constructor(url) {
    this.url = String(url);
    Object.freeze(this);
  }

  toString() {
    return this.url;
  }

  toJSON() {
    return this.url;
  }

  [inspect.custom]() {
    const [shown, ...rest] = this.url.split('?');
    return `Ref(${shown}${rest.length ? '?…' : ''})`;
  }
}

module.exports = { Ref };
