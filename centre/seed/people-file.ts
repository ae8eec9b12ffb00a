/** The population of a folder, kept in `people.json` so that cards and insurers agree after a restart. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSecretFile } from '../pki/key-folder.ts';
import { createPeople, type PeopleOptions } from './people.ts';
import { Person } from './person.ts';

/** Loads the people of `folder`, which must exist, or makes them for `options.asOf`. */
export function openPeople(folder: string, options: PeopleOptions): Person[] {
  const path = join(folder, 'people.json');
  if (existsSync(path)) return Person.array().parse(JSON.parse(readFileSync(path, 'utf8')));
  const people = createPeople(options);
  writeSecretFile(path, JSON.stringify(people, undefined, 1));
  return people;
}
