//! What is believed of a page child's answer, and what frames cost.
