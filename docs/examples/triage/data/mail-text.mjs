// Turns one raw mail (RFC 822 with MIME, as of 2002) into subject and readable text. No other header leaves this file.

/** `raw` holds one byte per character (latin1), so that each part can be decoded with the charset it names. */
export function readMail(raw) {
  const { headers, body } = splitMail(raw.replace(/\r\n?/g, '\n'));
  const part = textPart(headers, body) ?? { text: '', html: false };
  return {
    subject: tidy(decodeWords(headers.get('subject') ?? '')).replace(/\s+/g, ' '),
    body: tidy(part.html ? htmlToText(part.text) : part.text),
  };
}

function splitMail(raw) {
  const text = raw.replace(/^From .*\n/, '');
  const end = text.search(/\n\n|^\n/);
  const head = end < 0 ? text : text.slice(0, end);
  const headers = new Map();
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const match = /^([\w-]+):\s*(.*)$/.exec(line);
    if (match && !headers.has(match[1].toLowerCase())) headers.set(match[1].toLowerCase(), match[2]);
  }
  return { headers, body: end < 0 ? '' : text.slice(end).replace(/^\n+/, '') };
}

/** The first plain text of the mail; failing that the first HTML. */
function textPart(headers, body) {
  const contentType = headers.get('content-type') ?? 'text/plain';
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(contentType)?.[0].toLowerCase() ?? 'text/plain';
  if (type.startsWith('multipart/')) {
    const boundary = parameter(contentType, 'boundary');
    if (!boundary) return undefined;
    const parts = body
      .split(`--${boundary}`)
      .slice(1)
      .filter((piece) => !piece.startsWith('--'))
      .map((piece) => splitMail(piece.replace(/^[^\n]*\n/, '')))
      .map((piece) => textPart(piece.headers, piece.body))
      .filter((piece) => piece?.text.trim());
    return parts.find((piece) => !piece.html) ?? parts[0];
  }
  if (type !== 'text/plain' && type !== 'text/html') return undefined;
  const bytes = transferDecode(body, (headers.get('content-transfer-encoding') ?? '').toLowerCase().trim());
  const text = charsetDecode(bytes, parameter(contentType, 'charset'));
  return { text, html: type === 'text/html' || /^\s*<(!doctype|html|head|body|table|center|font|p)\b/i.test(text) };
}

function parameter(value, name) {
  const match = new RegExp(`${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;]+))`, 'i').exec(value);
  return match?.[1] ?? match?.[2];
}

function transferDecode(body, encoding) {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  return Buffer.from(encoding === 'quoted-printable' ? quotedPrintable(body) : body, 'latin1');
}

function quotedPrintable(text) {
  return text
    .replace(/=[ \t]*\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function charsetDecode(bytes, charset = 'us-ascii') {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes); // an unknown name; as browsers read it
  }
}

/** RFC 2047 words such as `=?iso-8859-1?Q?caf=E9?=`. */
function decodeWords(text) {
  const decoded = text.replace(/=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi, (_, charset, kind, data) =>
    charsetDecode(
      kind.toLowerCase() === 'b' ? transferDecode(data, 'base64') : transferDecode(data.replace(/_/g, ' '), 'quoted-printable'),
      charset,
    ),
  );
  return decoded === text ? charsetDecode(Buffer.from(text, 'latin1')) : decoded;
}

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', copy: '©', reg: '®', apos: "'" };

function htmlToText(html) {
  return html
    .replace(/<!--[\s\S]*?-->|<(script|style|title)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<(br|p|div|tr|li|h\d)\b[^>]*>/gi, '\n')
    .replace(/<\/?[a-z!][^>]*>/gi, ' ')
    .replace(/&#(\d{1,6});/g, (_, code) => String.fromCodePoint(Math.min(Number(code), 0xfffd)))
    .replace(/&(\w+);/g, (whole, name) => entities[name.toLowerCase()] ?? whole);
}

const personal = /(https?:\/\/[\w.-]+)[^\s<>"]*|[\w.+-]+@[\w.-]*\w|(?<![\w.:/-])(?!\d{4}-\d\d-\d\d)\+?\(?\d[\d ().-]{6,}\d/gi;

/** Valid Unicode, no control characters; addresses and phone numbers masked, links cut to their host. */
function tidy(text) {
  return text
    .replace(personal, (match, host) => host ?? (match.includes('@') ? '[address]' : '[number]'))
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\uFFFD\uFEFF]|(?!\n)\p{C}/gu, ' ')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
