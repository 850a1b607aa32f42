'use strict';

/** An assignment that no handler is called for, and why. `isUnderstood`: it can be read, but its kind or its inputs do not fit. */
class Refused extends Error {
  constructor(why, isUnderstood = false) {
    super(why);
    this.isUnderstood = isUnderstood;
  }
}

module.exports = { Refused };
