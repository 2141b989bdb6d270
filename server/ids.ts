const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a value from outside can be the id of a row; anything else would be an error of the database instead of "not found". */
export const isUuid = (value: string): boolean => UUID.test(value);
