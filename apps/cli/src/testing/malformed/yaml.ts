import { added, edited } from './malformed.js';
import type { Malformed } from './malformed.js';

/** No YAML, or none that is a mapping. */
export const malformedYaml: readonly Malformed[] = [
  {
    why: 'an empty file',
    text: '',
    place: '1:1',
    field: 'name',
    says: 'name: is missing (text) (given: nothing)',
  },
  {
    why: 'a comment only',
    text: `# later
`,
    place: '1:1',
    field: 'name',
    says: 'name: is missing (text) (given: nothing)',
  },
  {
    why: 'a list',
    text: `- a
- b
`,
    place: '1:1',
    field: '',
    says: 'must be a mapping of keys to values (given: ["a","b"])',
  },
  {
    why: 'a word',
    text: `sapsan
`,
    place: '1:1',
    field: '',
    says: 'must be a mapping of keys to values (given: sapsan)',
  },
  {
    why: 'a list that does not end',
    text: edited('[0.05, 0.1] }', '[0.05, 0.1'),
    place: '9:3',
    says: 'not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  },
  {
    why: 'text that does not end',
    text: edited('name: pairs', 'name: "pairs'),
    place: '10:1',
    says: 'not valid YAML: Missing closing "quote',
  },
  {
    why: 'a tab for indentation',
    text: edited('  max_steps', '\tmax_steps'),
    place: '9:1',
    says: 'not valid YAML: Tabs are not allowed as indentation',
  },
  {
    why: 'a key twice',
    text: added(`name: again
`),
    place: '10:1',
    says: 'not valid YAML: the key "name" is given twice',
  },
  {
    why: 'a parameter twice',
    text: added(`  max_steps: { value: 80 }
`),
    place: '10:3',
    says: 'not valid YAML: the key "max_steps" is given twice',
  },
  {
    why: 'two documents',
    text: added(`---
name: b
`),
    place: '10:1',
    says: 'not valid YAML: a second document begins here; a file holds one',
  },
  {
    why: 'a tag',
    text: edited('name: pairs', 'name: !secret pairs'),
    place: '1:7',
    says: 'not valid YAML: Unresolved tag: !secret',
  },
  {
    why: 'an anchor that is nowhere',
    text: edited('value: 60', 'value: *steps'),
    place: '9:23',
    says: 'not valid YAML: there is no anchor &steps before it',
  },
  {
    why: 'aliases that multiply',
    text: `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
`,
    place: '1:1',
    says: 'not valid YAML: Excessive alias count indicates a resource exhaustion attack',
  },
];
