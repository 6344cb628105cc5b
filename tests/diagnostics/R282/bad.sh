obsc validate bad --infos
