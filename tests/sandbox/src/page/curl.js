// A request as a command that works in sh and in cmd.exe.

// Besides letters and digits, the characters that need no escape in a JSON string between double
// quotes in either shell.
const PLAIN = " ,.:;/_-+=*@#?()[]{}~";

const isPlain = (unit) => /[A-Za-z0-9]/.test(unit) || PLAIN.includes(unit);

function stringOf(text) {
  let written = '';
  for (let position = 0; position < text.length; position += 1) {
    const unit = text[position];
    written += isPlain(unit) ? unit : '\\u' + text.charCodeAt(position).toString(16).padStart(4, '0');
  }
  return '\\"' + written + '\\"';
}

// Returns JSON whose only quotes are those around strings, each after a backslash.
function written(value) {
  if (typeof value === 'string') return stringOf(value);
  if (Array.isArray(value)) return '[' + value.map(written).join(',') + ']';
  if (value !== null && typeof value === 'object') {
    return '{' + Object.entries(value).map(([name, one]) => stringOf(name) + ':' + written(one)).join(',') + '}';
  }
  return JSON.stringify(value);
}

// Percent-encodes characters that a shell or curl would interpret, and keeps existing encodings.
const pathOf = (path) => encodeURI(path).replace(/%25([0-9A-Fa-f]{2})/g, '%$1')
  .replace(/[!$&'()#?]/g, (unit) => '%' + unit.charCodeAt(0).toString(16).toUpperCase());

export function curlOf(request, baseUrl) {
  const parts = ['curl'];
  if (request.method !== 'POST') parts.push('-X ' + request.method.replace(/[^A-Za-z]/g, ''));
  if (baseUrl.startsWith('https:')) parts.push('--cacert ca.pem');
  parts.push('-H "Content-Type: application/json"', '-d "' + written(request.body) + '"',
    '"' + baseUrl + pathOf(request.path) + '"');
  return parts.join(' ');
}
