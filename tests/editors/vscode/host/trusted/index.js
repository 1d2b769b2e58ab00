exports.run = require("../index.js").suite("trusted");
