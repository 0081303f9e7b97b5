export const CURL_VERSION = '8.14.1';
/** What it says that it is. */
export const CURL_AGENT = `curl/${CURL_VERSION}`;
