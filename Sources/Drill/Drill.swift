// Drill
