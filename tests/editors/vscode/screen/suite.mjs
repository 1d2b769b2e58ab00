// What a user of the extension does, in a real VS Code, with the real server and its bundled model. Ghost text is
// compared with what the server says that it suggests, never with a text that is written here.
import "./typing.mjs";
import "./views.mjs";
import "./server.mjs";
import "./offers.mjs";
