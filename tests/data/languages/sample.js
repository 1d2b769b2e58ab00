#!/usr/bin/env node
'use strict';

import fs, { readFile as read } from 'node:fs';
import * as path from 'path';
const { join, resolve: absolute } = require('path');

const LIMIT = 10, names = ['a', 'b'];
let counter = 0;

/**
 * A tree of names; function and class are words here.
 */
export class Tree extends Base.Node {
  static #count = 0;
  size = 0;

  constructor(root) {
    super(root);
    this.items = new Map();
  }

  // about insert
  insert(name, value = {}) {
    if (!name) {
      throw new TypeError(`no name: ${name ? `(${name})` : '}'}`);
    }
    this.items.set(name, value);
    return this;
  }

  get length() {
    return this.items.size;
  }

  onClick = (event) => {
    this.insert(event.target.name);
  };

  async *walk() {
    for (const item of this.items) yield item;
  }
}

function plain(a, { b, c }, ...rest) {
  function inner() {
    return a / b / c;
  }
  const quotes = /["'`/]function/.test(a) || /[/]\//g;
  return inner(rest) && quotes;
}

export default async function main(argv) {
  const text = `
function notOne() {
  ${argv.map((arg) => `
class NotOneEither {}
`).join('}')}
`;
  await read(join(text));
  return absolute('.');
}

// about arrow
export const arrow = async (x) => {
  return plain(x);
};

const shorthand = (x) => x * 2;

const old = function named(y) {
  return y;
};

Tree.prototype.extra = function () {
  return counter++;
};

Tree.prototype.first =
Tree.prototype.one = function (x) {
  return x;
};

module.exports.handler = (request, response) => {
  response.send(path.sep);
};

function* generate() {
  yield* [1, 2, 3];
}

if (LIMIT > 3) {
  counter += names.length;
  function conditional() {}
}

(function () {
  function hidden() {}
  hidden();
})();

class Empty {}

/* function commented() {
} */
export { Tree as default, plain };
console.log(fs, generate, shorthand, old);
