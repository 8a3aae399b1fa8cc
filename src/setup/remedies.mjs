/** What the output of a failed installation means, and what mends it. */

// Not `statfsSync` by name: a Node that lacks it would say that, and not that it is too old.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { SetupFailure } from './failure.mjs';
import { root } from './paths.mjs';

/** With less than this nothing can be installed, whatever the failed program says. */
const HARDLY_ANY_BYTES = 16 * 1024 * 1024;

/** Lines of output shown when nobody can tell what they mean. */
const SHOWN_LINES = 25;

/**
 * In this order: a missing network also makes pip say that no version of a package exists.
 *
 * @type {readonly { seen: RegExp, what: (subject: string) => string, remedy: string }[]}
 */
const KNOWN = [
  {
    seen: /ENOSPC|No space left on device/,
    what: (subject) => `${subject}: the disk is full`,
    remedy: 'Make room (about 1 GB is needed), then run the command again.',
  },
  {
    seen: /EROFS|Read-only file system/,
    what: (subject) => `${subject}: this directory is on a read-only file system`,
    remedy: 'Copy the repository to a place that can be written to.',
  },
  {
    seen: /\bEACCES\b|\bEPERM\b|Permission denied/,
    what: (subject) => `${subject}: this user may not write where it has to`,
    remedy: 'Run the command as the owner of this directory (a "sudo npm" may have changed the owner of files in it).',
  },
  {
    seen: /CERTIFICATE_VERIFY_FAILED|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF|SELF_SIGNED_CERT|self.signed certificate/i,
    what: (subject) => `${subject}: the certificate of the package registry is not trusted here`,
    remedy: 'Behind a proxy that opens TLS, name its certificate: NODE_EXTRA_CA_CERTS for npm, PIP_CERT for pip.',
  },
  {
    seen: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|Temporary failure in name resolution|ProxyError|Cannot connect to proxy/,
    what: (subject) => `${subject}: the package registry cannot be reached`,
    remedy: 'Connect to the network (or set HTTPS_PROXY), then run the command again; what was done so far is kept.',
  },
  {
    seen: /code EUSAGE|can only install packages when your package\.json and package-lock\.json/,
    what: () => 'package.json and package-lock.json differ',
    remedy: 'Run "npm install" and commit package-lock.json.',
  },
  {
    seen: /Failed building wheel|error: command '.*(gcc|cc|clang|cl\.exe)'|Failed to build installable wheels|requires a different Python|No matching distribution found|ResolutionImpossible/,
    what: (subject) => `${subject}: a package cannot be had for this version of Python`,
    remedy:
      'Install a version between Python 3.10 and 3.13, name it with COILYARD_PYTHON=/path/to/python, remove .venv and run the command again.',
  },
];

/**
 * @param {string} subject what was being done
 * @param {string} output
 * @param {string} log where all of the output is
 */
export function failureFrom(subject, output, log) {
  const evidence = isDiskFull() ? `ENOSPC ${output}` : output;
  for (const { seen, what, remedy } of KNOWN)
    if (seen.test(evidence)) return new SetupFailure(what(subject), `${remedy} Log: ${log}`);
  const detail = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  return new SetupFailure(`${subject} failed`, `What it said is above; all of it is in ${log}`, { detail });
}

/** Programs that call other programs may not pass on why those failed. */
const isDiskFull = () =>
  [root, tmpdir()].some((place) => {
    const { bavail, bsize } = fs.statfsSync(place);
    return bavail * bsize < HARDLY_ANY_BYTES;
  });
