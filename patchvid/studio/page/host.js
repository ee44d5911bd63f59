// The document of the page, and requests to its server. A notebook gives the widget others.

export const root = document;
export const send = (path, options) => fetch(path, options);
