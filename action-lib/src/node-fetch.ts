// A file of its own, so that node-fetch is loaded with the first call and not with the library, and compiled to CommonJS, because a dynamic import() breaks jest.
export { default as nodeFetch } from "node-fetch";
