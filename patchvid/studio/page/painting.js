// Opens the parts of the page that paint, for the notebook widget.

import * as api from "./api.js";
import {tell} from "./dom.js";
import {opened} from "./opening.js";
import {watch} from "./queue.js";
import "./tools.js";
import "./layers.js";
import "./keys.js";

api.getJson("state").then(facts => {
  opened(facts);
  return watch();
}).catch(error => tell(error.message));
