"""Where tool calls land: state, the declarative semantics and live servers, behind one Protocol."""
