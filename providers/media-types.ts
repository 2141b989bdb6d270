import path from 'node:path';

/** Media type of a folder in every stand-in. */
export const FOLDER_TYPE = 'inode/directory';

const OFFICE = 'application/vnd.openxmlformats-officedocument';

const BY_EXTENSION: Record<string, string> = {
  '.csv': 'text/csv',
  '.doc': 'application/msword',
  '.docm': 'application/vnd.ms-word.document.macroenabled.12',
  '.docx': `${OFFICE}.wordprocessingml.document`,
  '.eml': 'message/rfc822',
  '.epub': 'application/epub+zip',
  '.fodp': 'application/vnd.oasis.opendocument.presentation-flat-xml',
  '.fods': 'application/vnd.oasis.opendocument.spreadsheet-flat-xml',
  '.fodt': 'application/vnd.oasis.opendocument.text-flat-xml',
  '.gif': 'image/gif',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.ics': 'text/calendar',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.log': 'text/plain',
  '.markdown': 'text/markdown',
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.msg': 'application/vnd.ms-outlook',
  '.odp': 'application/vnd.oasis.opendocument.presentation',
  '.ods': 'application/vnd.oasis.opendocument.spreadsheet',
  '.odt': 'application/vnd.oasis.opendocument.text',
  '.otp': 'application/vnd.oasis.opendocument.presentation-template',
  '.ots': 'application/vnd.oasis.opendocument.spreadsheet-template',
  '.ott': 'application/vnd.oasis.opendocument.text-template',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.ppt': 'application/vnd.ms-powerpoint',
  '.pptm': 'application/vnd.ms-powerpoint.presentation.macroenabled.12',
  '.pptx': `${OFFICE}.presentationml.presentation`,
  '.rtf': 'application/rtf',
  '.svg': 'image/svg+xml',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.tsv': 'text/tab-separated-values',
  '.txt': 'text/plain',
  '.vtt': 'text/vtt',
  '.webp': 'image/webp',
  '.xhtml': 'application/xhtml+xml',
  '.xls': 'application/vnd.ms-excel',
  '.xlsm': 'application/vnd.ms-excel.sheet.macroenabled.12',
  '.xlsx': `${OFFICE}.spreadsheetml.sheet`,
  '.xml': 'application/xml',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.zip': 'application/zip',
};

/** Media type by a file name's extension, as a vendor guesses it at upload; `application/octet-stream` where unknown. */
export const mediaTypeOf = (name: string): string =>
  BY_EXTENSION[path.extname(name).toLowerCase()] ?? 'application/octet-stream';
