// The schema and the loader agree: on every example and preset, and on every case of cases/ (its .expect says whether the
// loader refuses it). RAINGAUGE_NODE_MODULES names the directory with ajv and yaml; without it the test is skipped (77).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const conf = resolve(here, '../../conf');
const modules = process.env.RAINGAUGE_NODE_MODULES;
if (!modules || !existsSync(join(modules, 'ajv')) || !existsSync(join(modules, 'yaml'))) {
  console.log('RAINGAUGE_NODE_MODULES has no ajv and yaml: skipped');
  process.exit(77);
}
const require = createRequire(resolve(modules, 'x.js'));
const Ajv = require('ajv/dist/2020').default;
const yaml = require('yaml');
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(join(conf, 'raingauge.schema.json'))));

// What the loader refuses for more than its shape: no schema can tell.
const BEYOND = {
  alias_in_itself: 'YAML', bomb: 'YAML', deep: 'YAML', syntax: 'YAML', syntax_2: 'YAML', syntax_utf8: 'YAML', two_documents: 'YAML',
  yaml_features: 'YAML', syntax_template: 'expressions', syntax_variable: 'expressions', expressions: 'expressions',
  includes: 'other files', unset: 'environment', unset_check: 'environment', no_key: 'environment',
  secrets: 'environment', unnamed: 'names in two files', state: 'read for state_dir alone', empty: 'YAML',
};

// The lines on which the schema finds an unknown key, by the key.
function unknownKeys(path) {
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(readFileSync(path, 'utf8'), { version: '1.2', schema: 'core', lineCounter: counter });
  validate(document.toJS());
  const found = new Set();
  for (const { instancePath, params } of validate.errors ?? []) {
    if (!params.additionalProperty) continue;
    const steps = instancePath.split('/').slice(1).map((step) => step.replace(/~1/g, '/').replace(/~0/g, '~'));
    const map = steps.length ? document.getIn(steps, true) : document.contents;
    const pair = map.items.find((item) => item.key.value === params.additionalProperty);
    found.add(`${counter.linePos(pair.key.range[0]).line} ${params.additionalProperty}`);
  }
  return found;
}

function shape(path) {
  try {
    const value = yaml.parse(readFileSync(path, 'utf8'), { version: '1.2', schema: 'core', maxAliasCount: 1000 });
    return validate(value) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`);
  } catch (e) {
    return [e.message];
  }
}

let failed = 0;
const fail = (path, what) => {
  failed++;
  console.log(`${path}: ${what}`);
};
const yamls = (directory) => readdirSync(directory).filter((name) => name.endsWith('.yaml')).map((name) => join(directory, name));

for (const path of [...yamls(join(conf, 'examples')), ...yamls(join(conf, 'presets'))]) {
  const errors = shape(path);
  if (errors.length) fail(path, `a good file is refused: ${errors.slice(0, 5).join('; ')}`);
}
for (const path of yamls(join(here, 'cases'))) {
  const name = path.split('/').pop().slice(0, -'.yaml'.length);
  const refused = readFileSync(path.replace(/yaml$/, 'expect'), 'utf8').includes(': error: ');
  if (name in BEYOND) continue;
  const errors = shape(path);
  if (refused && !errors.length) fail(path, 'the loader refuses it, the schema does not');
  if (!refused && errors.length) fail(path, `the schema refuses it: ${errors.slice(0, 5).join('; ')}`);
}
const keys = join(here, 'cases/unknown_keys.yaml');
const found = unknownKeys(keys);
for (const [, line, key] of readFileSync(keys.replace(/yaml$/, 'expect'), 'utf8').matchAll(/^unknown_keys.yaml:(\d+):\d+: error: unknown key "([^"]*)"/gm))
  if (!found.has(`${line} ${key}`)) fail(keys, `line ${line}: the loader does not know "${key}", the schema takes it`);
process.exit(failed ? 1 : 0);
