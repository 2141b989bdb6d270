/** A media type that may be sent as a header. Services name them, so what is none becomes bytes. */
export const safeMediaType = (mediaType: string): string =>
  mediaType.length <= 200 && /^[\w.+-]+\/[\w.+-]+(; ?charset=[\w-]+)?$/.test(mediaType)
    ? mediaType
    : 'application/octet-stream';
