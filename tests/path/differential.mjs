// Random paths on random documents, ours against npm's jsonpath-rfc9535 as the oracle:
//
//     node differential.mjs PATH_ORACLE [COUNT [SEED]]
//
// RAINGAUGE_NODE_MODULES names the node_modules directory the package lies in; without it the test is skipped (77).
// A difference is printed with its seed, path and document. Nodes are compared in order, but for paths with `..`: there
// RFC 9535 leaves open whether a node's children or its siblings come first, and the two sides differ.
//
// Left out is what the oracle (1.3.0) gets wrong:
// - an index in a compared path: it gives nothing there
// - a slice's bound below -length, and a blank behind a slice's second colon without a step
// - three or more joined by `&&`: it takes a && b && c for a && (b || c)
// - the order of texts: by UTF-16, so that U+FFFF comes after U+1D11E
// - an alternative that is not in parentheses: match(@, 'a|b') takes 'ab'
// - names and types of functions: it does not look at them, so a broken path with a call may be refused by ours alone

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const [oracle, countText = '2000', seedText = '1'] = process.argv.slice(2);
const modules = process.env.RAINGAUGE_NODE_MODULES;
const entry = modules && resolve(modules, 'jsonpath-rfc9535/dist/esm/index.js');
if (!entry || !existsSync(entry)) {
  console.log('RAINGAUGE_NODE_MODULES has no jsonpath-rfc9535: skipped');
  process.exit(77);
}
const { query } = await import(pathToFileURL(entry));

// ---- Chance -------------------------------------------------------------------------------------------------------

let state = 0;
const seedWith = (seed) => { state = seed >>> 0; };
function random() { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const often = (p) => random() < p;
const times = (n, make) => Array.from({ length: n }, make);

// ---- Documents ----------------------------------------------------------------------------------------------------

const names = ['a', 'b', 'c', 'key', 'é', '☺', 'x y', "it's", 'q"q', 'back\\slash', '', '\n', '𝄞', 'length'];
const texts = ['', 'a', 'b', 'ab', 'abc', 'B', 'é', '𝄞', 'x y', '1', 'null', "it's", 'q"q', 'a\nb', '\u0000'];
const numbers = [0, -0, 1, -1, 2, 3, 10, 1.5, -2.25, 100, 1e3, 1e21, 1e-7, 0.1];
const patterns = ['a', 'a.*', '[ab]+', '.', '.*', '(a|b)', '\\p{L}', '[^a]', '(ab)?c', 'a{1,2}', '', '[', '\\.', '.b.'];

function scalar() {
  return pick([() => pick(texts), () => pick(numbers), () => true, () => false, () => null])();
}

function document(depth) {
  if (depth === 0 || often(0.2)) return scalar();
  if (often(0.5)) return times(below(5), () => document(depth - 1));
  const object = {};
  for (let i = below(6); i > 0; i--) object[pick(names)] = document(depth - 1);
  return object;
}

// ---- Paths --------------------------------------------------------------------------------------------------------

const blank = () => (often(0.1) ? pick([' ', '\t', '\n', '\r', '  ']) : '');

function quoted(text) {
  const quote = pick(["'", '"']);
  let out = '';
  for (const c of text) {
    const code = c.codePointAt(0);
    if (c === quote || c === '\\') out += '\\' + c;
    else if (c === '\n' && often(0.5)) out += '\\n';
    else if (code < 0x20 || often(0.05))
      for (let i = 0; i < c.length; i++) out += '\\u' + c.charCodeAt(i).toString(16).padStart(4, '0');
    else out += c;
  }
  return quote + out + quote;
}

const isShorthand = (name) => /^[A-Za-z_\u0080-\u{10ffff}][A-Za-z0-9_\u0080-\u{10ffff}]*$/u.test(name);
const integer = () => String(below(9) - 4);

function slice() {
  const bound = () => (often(0.5) ? String(below(6) - 1) : '');
  const step = () => (often(0.7) ? blank() + integer() : '');
  return bound() + blank() + ':' + blank() + bound() + (often(0.5) ? blank() + ':' + step() : '');
}

function selector(depth) {
  const kinds = [() => quoted(pick(names)), integer, () => '*', slice];
  if (depth > 0) kinds.push(() => '?' + blank() + logical(depth - 1), () => '?' + blank() + logical(depth - 1));
  return pick(kinds)();
}

function segment(depth) {
  const name = pick(names);
  if (often(0.3) && isShorthand(name)) return '.' + name;
  if (often(0.15)) return pick(['.*', '..*']);
  if (often(0.15) && isShorthand(name)) return '..' + name;
  const selectors = times(often(0.75) ? 1 : 1 + below(3), () => blank() + selector(depth) + blank());
  return (often(0.2) ? '..' : '') + '[' + selectors.join(',') + ']';
}

const segments = (depth, most) => times(below(most + 1), () => blank() + segment(depth)).join('');

function singular(indexes = false) {
  const step = () => {
    const name = pick(names);
    if (indexes && often(0.4)) return '[' + integer() + ']';
    return isShorthand(name) && often(0.7) ? '.' + name : '[' + quoted(name) + ']';
  };
  return (often(0.85) ? '@' : '$') + times(below(3), step).join('');
}

const subquery = (depth) => (often(0.85) ? '@' : '$') + segments(depth, 2);
const literal = () =>
  pick([() => quoted(pick(texts)), () => JSON.stringify(pick(numbers)), () => pick(['true', 'false', 'null'])])();
const call = (name, ...args) => name + '(' + args.map((a) => blank() + a + blank()).join(',') + ')';

function comparable(depth) {
  return pick([
    literal, literal, () => singular(), () => singular(), () => singular(),
    () => call('length', often(0.7) ? singular(true) : literal()),
    () => call('count', subquery(depth)),
    () => call('value', subquery(depth)),
  ])();
}

function basic(depth) {
  const not = () => (often(0.25) ? '!' + blank() : '');
  const kinds = [
    () => comparable(depth) + blank() + pick(['==', '!=', '<', '<=', '>', '>=']) + blank() + comparable(depth),
    () => comparable(depth) + blank() + pick(['==', '!=', '<', '<=', '>', '>=']) + blank() + comparable(depth),
    () => not() + subquery(depth),
    () => not() + call(pick(['match', 'search']), singular(true), often(0.8) ? quoted(pick(patterns)) : singular(true)),
  ];
  if (depth > 0) kinds.push(() => not() + '(' + blank() + logical(depth - 1) + blank() + ')');
  return pick(kinds)();
}

function logical(depth) {
  const both = () => basic(depth) + (often(0.2) ? blank() + '&&' + blank() + basic(depth) : '');
  let text = both();
  while (often(0.2)) text += blank() + '||' + blank() + both();
  return text;
}

// One character changed: mostly no path any more, and both sides must agree on that.
function broken(path) {
  const at = below(path.length);
  const c = pick([...' .[]()?*:,@$!&|<>=\'"0-1ae\\']);
  return path.slice(0, at) + pick(['', c]) + path.slice(at + below(2));
}

// ---- Comparing ----------------------------------------------------------------------------------------------------

// Half of a surrogate pair cannot be written to the other side; for the blanks see above.
const isOdd = (path) => !path.isWellFormed() || /:\s+[\],]/.test(path);
const mayDifferInTypes = ({ path, isBroken }) => isBroken && path.includes('(');

function expected(path, doc) {
  try {
    return query(doc, path);
  } catch {
    return null;
  }
}

const comparableNodes = (path, nodes) =>
  path.includes('..') && Array.isArray(nodes) ? nodes.map((node) => JSON.stringify(node)).sort() : nodes;

const count = Number(countText);
const firstSeed = Number(seedText);
const cases = [];
for (let seed = firstSeed; cases.length < count; seed++) {
  seedWith(seed);
  let path = '$' + segments(2, 3);
  const isBroken = often(0.15);
  if (isBroken) path = broken(path);
  const doc = document(4);
  if (!isOdd(path)) cases.push({ seed, path, doc, isBroken });
}

const input = cases.map(({ path, doc }) => JSON.stringify({ path, doc }) + '\n').join('');
const run = spawnSync(oracle, { input, maxBuffer: 1 << 30 });
if (run.status !== 0) {
  console.error(`${oracle}: ${run.signal ?? run.status}\n${run.stderr}`);
  process.exit(1);
}
const answers = run.stdout.toString().split('\n');
let differences = 0;
let refused = 0;
let empty = 0;
cases.forEach((test, i) => {
  const { seed, path, doc } = test;
  const wanted = expected(path, doc);
  const got = JSON.parse(answers[i] || '"no answer"');
  if (wanted === null) refused++;
  else if (wanted.length === 0) empty++;
  if (got === null && mayDifferInTypes(test)) return;
  const plain = JSON.parse(JSON.stringify(wanted)); // without -0
  if (isDeepStrictEqual(comparableNodes(path, got), comparableNodes(path, plain))) return;
  if (++differences <= 10)
    console.log(`seed ${seed}\n  path   ${JSON.stringify(path)}\n  doc    ${JSON.stringify(doc)}\n` +
      `  wanted ${JSON.stringify(wanted)}\n  got    ${answers[i]}`);
});
console.log(`${count} paths from seed ${firstSeed}: ${refused} refused, ${empty} empty, ${differences} differences`);
process.exit(differences ? 1 : 0);
