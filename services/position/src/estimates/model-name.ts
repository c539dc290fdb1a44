/** The rule by which waits are estimated; another one, or another form of what it keeps, has another name. */
export const modelName = 'prior-1';
