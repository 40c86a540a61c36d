"""One model turn: preparing what is sent, running it, and naming the conversation afterwards."""
