/** k8s.io/apimachinery/pkg/util/validation: each check answers with what is wrong, in its words. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1123 = new RegExp(`^${label}$`);
const subdomain1123 = new RegExp(`^${label}(\\.${label})*$`);
const wildcard1123 = new RegExp(`^\\*\\.${label}(\\.${label})*$`);
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const qualified = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** The patterns are linear but for pathological lengths, which are refused before they are tried. */
const longest = 4096;

function matches(pattern: RegExp, text: string): boolean {
  return text.length <= longest && pattern.test(text);
}

function tooLong(limit: number): string {
  return `must be no more than ${limit} bytes`;
}

const bytes = new TextEncoder();

const ascii = /^[ -~]*$/;

export function byteLength(text: string): number {
  if (ascii.test(text)) return text.length;
  return bytes.encode(text).length;
}

export function dns1123Label(text: string): string[] {
  const problems = byteLength(text) > 63 ? [tooLong(63)] : [];
  if (!matches(label1123, text)) {
    problems.push(
      matches(subdomain1123, text)
        ? 'must not contain dots'
        : `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
    );
  }
  return problems;
}

export function dns1123Subdomain(text: string): string[] {
  const problems = byteLength(text) > 253 ? [tooLong(253)] : [];
  if (!matches(subdomain1123, text)) {
    problems.push(
      `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${label}(\\.${label})*')`,
    );
  }
  return problems;
}

export function wildcardSubdomain(text: string): string[] {
  const problems = byteLength(text) > 253 ? [tooLong(253)] : [];
  if (matches(wildcard1123, text)) return problems;
  return [
    ...problems,
    `a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.${label}(\\.${label})*')`,
  ];
}

export function dns1035Label(text: string): string[] {
  const problems = byteLength(text) > 63 ? [tooLong(63)] : [];
  if (!matches(label1035, text)) {
    problems.push(
      `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    );
  }
  return problems;
}

export function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  const problems: string[] = [];
  const name = parts.at(-1) ?? '';
  const part = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
  if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...dns1123Subdomain(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (byteLength(name) > 63) problems.push(`name part ${tooLong(63)}`);
  if (!matches(qualified, name)) problems.push(part);
  return problems;
}

export function validLabelValue(text: string): string[] {
  const problems = byteLength(text) > 63 ? [tooLong(63)] : [];
  if (!matches(labelValue, text)) {
    problems.push(
      `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    );
  }
  return problems;
}

export function portNumber(port: number): string[] {
  return port >= 1 && port <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** IsValidPortName: an IANA service name. */
export function portName(text: string): string[] {
  const problems: string[] = [];
  if (text.length > 15) problems.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(text))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)');
  if (text.includes('--')) problems.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

export function envName(text: string): string[] {
  // RelaxedEnvironmentVariableValidation: any printable ASCII but "=".
  const problems: string[] = [];
  if (!/^[ -<>-~]+$/.test(text)) {
    problems.push(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    );
  }
  return problems;
}

export function headerName(text: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(text)) return [];
  return [
    `a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`,
  ];
}

export function configMapKey(text: string): string[] {
  const problems = byteLength(text) > 253 ? [tooLong(253)] : [];
  if (!/^[-._a-zA-Z0-9]+$/.test(text)) {
    problems.push(
      `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    );
  } else if (text === '.' || text === '..') problems.push(`must not be '${text}'`);
  else if (text.startsWith('..')) problems.push(`must not start with '..'`);
  return problems;
}

export const mustBeNonNegative = 'must be greater than or equal to 0';
export const immutableField = 'field is immutable';
